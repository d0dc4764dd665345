"""The vectors that a hunt's ranking is fitted to: its examples, what was decided of its label, and a random few."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.decided import decided
from catalog.embedded import locate, random_embedded
from catalog.encoders import Encoder
from catalog.errors import CatalogError
from catalog.hits import Hit, describe_images
from catalog.hunt_examples import Example, list_examples
from catalog.hunts import Hunt
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from catalog.shards import vectors_of
from catalog.standing import rivals, standing_of
from curate.paging import Ids
from curate.ranker import UNLABELLED, Examples, Ranking, Vectors

# The latest decisions say most; with more of them a fit takes longer than a person notices nothing of.
MOST_BY_PERSON = 1500
MOST_BY_FOLDER = 500
PICTURES_KEPT = 512  # vectors of uploaded examples
VECTORS_KEPT = 8192  # of images: 16 MB at 512 dimensions

Embed = Callable[[str], tuple[str, Vectors]]


class EncoderSwitched(CatalogError):
    """The encoder that serves was changed while an example was embedded."""

    def __init__(self) -> None:
        super().__init__("The encoder was switched at this moment: ask again.")


class ExampleReader:
    """Reads examples from ledger and shards; keeps the vectors of uploads and which images are its random few."""

    def __init__(self, ledger: Ledger, store: ArtifactStore, *, embed: Embed) -> None:
        """`embed` turns the picture under an artifact key into (encoder id, vector (d,))."""
        self._ledger, self._store, self._embed = ledger, store, embed
        self._pictures: dict[tuple[str, str], Vectors] = {}
        self._vectors: tuple[str, dict[int, Vectors]] = ("", {})  # replaced as a whole: threads share it
        self._background: tuple[str, Ids] | None = None

    def read(self, hunt: Hunt, encoder: Encoder) -> Examples:
        """The examples of a hunt as vectors of this encoder. An image that it has not embedded yet is left out."""
        known = decided(self._ledger, hunt.label_id, limit=MOST_BY_PERSON)
        given = [one for one in list_examples(self._ledger, hunt.id) if one.there]
        yes = [*known.positives.person, *known.positives.folder[:MOST_BY_FOLDER]]
        no = [*known.negatives.person, *known.negatives.folder[:MOST_BY_FOLDER]]
        # What somebody decided of an image counts more than what it was an example for.
        settled = {*yes, *no}
        yes += _images(given, sign=1, but=settled)
        no += _images(given, sign=-1, but=settled)
        some = self._some(encoder)
        standing = standing_of(self._ledger, hunt.label_id, some.tolist())
        chosen = {*yes, *no}
        undecided = [one for one in some.tolist() if one in standing.open and one not in chosen][:UNLABELLED]
        vectors = self.vectors(encoder, {*yes, *no, *undecided})
        positives, negatives, unlabelled = (
            [vectors[one] for one in ids if one in vectors] for ids in (yes, no, undecided)
        )
        for one in given:
            if one.sha256 is not None and one.picture is not None:
                found = self._picture(encoder, sha256=one.sha256, key=one.picture)
                (positives if one.sign == 1 else negatives).append(found)
        return Examples(*(_stacked(rows, encoder) for rows in (positives, negatives, unlabelled)))

    def vectors(self, encoder: Encoder, image_ids: Iterable[int]) -> dict[int, Vectors]:
        """The vector (d,) of each image that the encoder has embedded. An image's bytes never change: nor does it."""
        of, kept = self._vectors
        if of != encoder.id or len(kept) > VECTORS_KEPT:
            kept = {}
        wanted = set(image_ids)
        if new := wanted - kept.keys():
            located = locate(self._ledger, encoder_id=encoder.id, image_ids=new)
            kept = {**kept, **vectors_of(self._store, located)}
        self._vectors = (encoder.id, kept)
        return {image_id: kept[image_id] for image_id in wanted if image_id in kept}

    def hits(self, hunt: Hunt, encoder: Encoder, ranking: Ranking, image_ids: Ids) -> list[Hit]:
        """Those of the images that are undecided, as results in the order given, each with its best cosine."""
        vectors = self.vectors(encoder, image_ids.tolist())
        scored = [(one, float((ranking.queries @ vectors[one]).max())) for one in image_ids.tolist() if one in vectors]
        wanted = SearchFilter(undecided=hunt.label_id, none_of=rivals(self._ledger, hunt.label_id))
        return describe_images(self._ledger, scored, wanted)

    def _some(self, encoder: Encoder) -> Ids:
        """Random images of the collection, the same ones while this encoder serves and enough of them are there."""
        if self._background is None or self._background[0] != encoder.id or len(self._background[1]) < 2 * UNLABELLED:
            # The same ones after a restart: a page that is loaded again shows what it showed before.
            seeded = np.random.default_rng(int.from_bytes(encoder.id.encode()[:8]))
            drawn = random_embedded(self._ledger, encoder.id, count=2 * UNLABELLED, random=seeded)
            self._background = (encoder.id, np.array(drawn, np.int64))
        return self._background[1]

    def _picture(self, encoder: Encoder, *, sha256: str, key: str) -> Vectors:
        known = (encoder.id, sha256)
        if known not in self._pictures:
            made_by, vector = self._embed(key)
            if made_by != encoder.id:
                raise EncoderSwitched
            self._pictures[known] = vector
            while len(self._pictures) > PICTURES_KEPT:
                self._pictures.pop(next(iter(self._pictures)), None)
        return self._pictures[known]


def _images(given: Iterable[Example], *, sign: int, but: set[int]) -> list[int]:
    return [one.image_id for one in given if one.image_id is not None and one.sign == sign and one.image_id not in but]


def _stacked(rows: list[Vectors], encoder: Encoder) -> Vectors:
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, encoder.dimension), np.float32)
