"""The conditions that a search puts on its results, as questions to the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select

from catalog.images import LIVE_PLACE
from catalog.ledger import Ledger
from catalog.tables import embedding, image, label_state, place, shard

other = place.alias("other")


@dataclass(frozen=True)
class SearchFilter:
    """Conditions on the results, which add up: any of these labels, no label at all, any of these sources, a score.

    `undecided` is a label that nobody has said yes or no to, `none_of` are labels that the results do not have.
    """

    label_ids: tuple[int, ...] = ()
    undecided: int | None = None
    none_of: tuple[int, ...] = ()
    unlabelled: bool = False
    source_ids: tuple[int, ...] = ()
    min_score: float | None = None

    @property
    def about_decisions_only(self) -> bool:
        """Whether all that it leaves out are images that were decided of one label and its rivals."""
        rest = self.label_ids or self.unlabelled or self.source_ids
        return self.undecided is not None and not rest


def conditions(query: Select[Any], wanted: SearchFilter) -> Select[Any]:
    """Only images that are there and meet the conditions."""
    labelled = exists().where(label_state.c.image_id == image.c.id, label_state.c.state == "yes")
    query = query.where(image.c.deleted_at.is_(None))
    if wanted.label_ids:
        query = query.where(labelled.where(label_state.c.label_id.in_(wanted.label_ids)))
    if wanted.unlabelled:
        query = query.where(~labelled)
    if wanted.undecided is not None:
        about = exists().where(label_state.c.image_id == image.c.id, label_state.c.label_id == wanted.undecided)
        query = query.where(~about)
    if wanted.none_of:
        query = query.where(~labelled.where(label_state.c.label_id.in_(wanted.none_of)))
    if wanted.source_ids:
        of_source = exists().where(other.c.image_id == image.c.id, other.c.state.in_(LIVE_PLACE))
        query = query.where(of_source.where(other.c.source_id.in_(wanted.source_ids)))
    return query


def count_indexed(ledger: Ledger, encoder_id: str, wanted: SearchFilter, most: int) -> int:
    """How many images that meet the conditions the index must hold, counted up to `most`."""
    matching = (
        conditions(_candidates(wanted), wanted)
        .join(embedding, embedding.c.image_id == image.c.id)
        .join(shard, shard.c.id == embedding.c.shard_id)
        .where(embedding.c.encoder_id == encoder_id, shard.c.indexed_at.is_not(None))
        .limit(most)
    )
    with ledger.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(matching.subquery())) or 0)


def newest_images(ledger: Ledger, wanted: SearchFilter, most: int) -> list[int]:
    """The ids of the images that meet the conditions, the latest to come first; the least score counts as none."""
    query = conditions(_candidates(wanted), wanted).order_by(image.c.id.desc()).limit(most)
    with ledger.read() as connection:
        return list(connection.scalars(query))


def _candidates(wanted: SearchFilter) -> Select[Any]:
    """The images that may meet the conditions, each once, from the narrowest index: few of all have a rare label."""
    if wanted.label_ids:
        some = select(label_state.c.image_id).where(
            label_state.c.label_id.in_(wanted.label_ids), label_state.c.state == "yes"
        )
    elif wanted.source_ids:
        some = select(place.c.image_id).where(
            place.c.source_id.in_(wanted.source_ids), place.c.state.in_(LIVE_PLACE), place.c.image_id.is_not(None)
        )
    else:
        return select(image.c.id)
    narrow = some.distinct().subquery()
    return select(image.c.id).select_from(narrow).join(image, image.c.id == narrow.c.image_id)


def count_found(ledger: Ledger, wanted: SearchFilter, most: int) -> int:
    """How many images are the undecided label, or one of those not wanted, counted up to `most`."""
    labels = [wanted.undecided, *wanted.none_of]
    said = (label_state.c.label_id.in_(labels), label_state.c.state == "yes")
    some = select(label_state.c.image_id).where(*said).limit(most).subquery()
    with ledger.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(some)) or 0)
