"""The switch of the encoder that serves: allowed by a count, made in the transaction that counted, and taken back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from catalog import tables
from catalog.audit import By, note
from catalog.coverage import Coverage, coverage
from catalog.embed_again import embed_lacking
from catalog.encoders import Encoder, load_encoder, named, promote, serving_id
from catalog.errors import CatalogError
from catalog.index import CollectionMissing, VectorIndex
from catalog.ledger import Ledger

ALIAS = "ruiji_serving"  # what outsiders find the serving encoder's collection by
LOOKS = 5  # at an index whose worker may be in the middle of a row
LOOK_AGAIN_S = 0.2


class NotReady(CatalogError):
    """The encoder would not find every image; `found` tells how many it would."""

    def __init__(self, encoder: Encoder, found: Coverage) -> None:
        self.found = found
        waiting = found.embedded - found.indexed
        lack = f"{found.lack:,} of {found.images:,} photos have no vector of {encoder.name} yet" if found.lack else ""
        wait = f"{waiting:,} vectors are not in the index yet" if waiting else ""
        super().__init__(f"{' and '.join(filter(None, (lack, wait)))}: the encoder that serves goes on.")


class IndexLacks(CatalogError):
    """The index has lost rows that it once held."""

    def __init__(self, encoder: Encoder, *, held: int, expected: int) -> None:
        super().__init__(
            f"The index holds {held:,} of the {expected:,} photos that {encoder.name} has embedded, so the encoder that"
            " serves goes on. Mend it with `ruiji doctor --repair`, then try again."
        )


class NothingBefore(CatalogError):
    """There is no encoder to go back to."""

    def __init__(self) -> None:
        super().__init__("No other encoder has served before: there is none to go back to.")


@dataclass(frozen=True)
class Switch:
    """What serves now and what did before; `lack` images have no vector of it yet, and `job` embeds them."""

    encoder: Encoder
    before: Encoder | None
    found: Coverage
    job: int | None

    @property
    def lack(self) -> int:
        """Images that no search finds until the job has ended."""
        return self.found.lack


def switch_to(ledger: Ledger, encoder_id: str, *, incomplete: bool = False, by: By | None = None) -> Switch:
    """Let this encoder serve if it finds every image, or all the same with `incomplete`. UnknownEncoder, NotReady.

    The count and the switch are one transaction. Images that come after it from an ingest that was begun with the
    encoder before are embedded with this one when that ingest ends.
    `by`: for the audit log.
    """
    with ledger.write() as connection:
        encoder = load_encoder(connection, encoder_id)
        before = serving_id(connection)
        found = coverage(connection, encoder_id)
        if before not in (None, encoder_id) and not found.complete and not incomplete:
            raise NotReady(encoder, found)
        promote(connection, encoder_id)
        if by is not None:
            note(connection, by, "encoder promoted", named(encoder))
        former = None if before in (None, encoder_id) else load_encoder(connection, str(before))
        return Switch(encoder, former, found, None)


def roll_back(ledger: Ledger, *, by: By | None = None) -> Switch:
    """Let the encoder serve that did before, at once. NothingBefore.

    Its vectors and collection have been kept, and their labels up to date. What has come since has no vector of it:
    the images are counted, and a job embeds them. `by`: for the audit log.
    """
    with ledger.write() as connection:
        row = connection.execute(tables.serving.select()).one_or_none()
        if row is None or row.previous_encoder_id is None:
            raise NothingBefore
        former, encoder = (load_encoder(connection, one) for one in (row.encoder_id, row.previous_encoder_id))
        promote(connection, encoder.id)
        if by is not None:
            note(connection, by, "encoder rolled back", named(encoder))
        found = coverage(connection, encoder.id)
        return Switch(encoder, former, found, embed_lacking(connection, encoder.id, author="switch"))


def check_index(ledger: Ledger, index: VectorIndex, encoder: Encoder) -> None:
    """Raise IndexLacks unless the index holds as many rows as the ledger says. IndexUnavailable.

    Asked of the index itself (Strong, 200 ms), since a search cannot tell a lost row from one that is far away.
    """
    for look in range(LOOKS):
        expected = coverage(ledger, encoder.id).indexed
        try:
            held = index.count(encoder.collection) if expected else 0
        except CollectionMissing:
            held = 0
        if held >= expected:
            return
        time.sleep(LOOK_AGAIN_S * (look < LOOKS - 1))
    raise IndexLacks(encoder, held=held, expected=expected)
