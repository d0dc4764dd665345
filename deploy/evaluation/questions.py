"""What an encoder is asked: vectors with class numbers, from albums of photos or from the labels in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.all_vectors import all_vectors
from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.label_groups import list_groups
from catalog.label_pairs import label_pairs
from catalog.labels import list_labels
from catalog.ledger import Ledger
from deploy.evaluation.album import Album
from deploy.evaluation.errors import NoEvaluation
from encoder.embed import Embedder
from encoder.evaluation.repeats import LabelledVectors

Progress = Callable[[str, int, int], None]  # what is done, how many, of how many
LEAST = 5  # photos of a class: one asks, the others vote


@dataclass(frozen=True)
class Questions:
    """Vectors that ask and, where there are training photos, those to learn from; `rows` are the album's (n,)."""

    asking: LabelledVectors
    training: LabelledVectors | None
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str]]
    where: str
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    notes: tuple[str, ...] = ()


def embed_albums(
    embedder: Embedder,
    *,
    test: Album,
    train: Album | None,
    groups: Mapping[str, Sequence[str]],
    progress: Progress,
) -> Questions:
    """Embed both albums; raises NoEvaluation when they share no class or hold too few photos of one."""
    classes = tuple(sorted({*test.classes, *(train.classes if train else ())}))
    if train is not None and (strangers := sorted(set(test.classes) - set(train.classes))):
        raise NoEvaluation(f"the training photos have no class {', '.join(strangers[:5])}, which the test photos have")
    asking, rows = _embedded(embedder, test, classes, what="test photos", progress=progress)
    training = _embedded(embedder, train, classes, what="training photos", progress=progress)[0] if train else None
    notes = [
        f"{name}: left out, {reason}" for album in (test, train) if album for name, reason in album.pictures.left_out
    ]
    _check(asking if training is None else training, classes, "to learn from")
    where = f"test: {test.where}; training: {train.where}" if train else test.where
    return Questions(asking, training, classes, groups, where, rows, tuple(notes))


def from_ledger(ledger: Ledger, store: ArtifactStore, encoder: Encoder) -> Questions:
    """Every image with exactly one label and a vector of this encoder; nothing is embedded anew.

    Labels of fewer than LEAST such images are left out and noted. Raises NoEvaluation when fewer than two are left.
    """
    names = {row.label.id: row.label.name for row in list_labels(ledger)}
    ids, label_ids = label_pairs(ledger)
    single, first, counts = np.unique(ids, return_index=True, return_counts=True)
    labelled = dict(zip(single[counts == 1].tolist(), label_ids[first[counts == 1]].tolist(), strict=True))
    have, vectors = all_vectors(ledger, store, encoder_id=encoder.id)
    of_image = np.array([labelled.get(image_id, -1) for image_id in have.tolist()], dtype=np.int64)
    numbers, sizes = np.unique(of_image[of_image >= 0], return_counts=True)
    kept = sorted((names[number], number) for number in numbers[sizes >= LEAST].tolist() if number in names)
    if len(kept) < 2:
        raise NoEvaluation(
            f"{encoder.name} has embedded {len(kept)} label with {LEAST} or more images that have no other label;"
            " two are needed: label more, or evaluate with --test FOLDER"
        )
    rows = np.flatnonzero(np.isin(of_image, [number for _, number in kept]))
    place = {number: at for at, (_, number) in enumerate(kept)}
    labels = np.array([place[number] for number in of_image[rows].tolist()], dtype=np.int64)
    classes = tuple(name for name, _ in kept)
    groups = {one.name: [name for name in one.labels if name in classes] for one in list_groups(ledger)}
    notes = []
    if several := int((counts > 1).sum()):
        notes.append(f"{several:,} images with more than one label are left out")
    if few := sorted(names[number] for number in numbers[sizes < LEAST].tolist() if number in names):
        notes.append(f"labels of fewer than {LEAST} images are left out: {', '.join(few[:10])}")
    where = f"the ledger's labels, {len(rows):,} images"
    asking = LabelledVectors(vectors[rows], labels)
    kept_groups = {name: members for name, members in groups.items() if members}
    return Questions(asking, None, classes, kept_groups, where, have[rows], tuple(notes))


def _embedded(
    embedder: Embedder, album: Album, classes: tuple[str, ...], *, what: str, progress: Progress
) -> tuple[LabelledVectors, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The vectors and labels of the photos that could be decoded, and which those are."""
    number = {name: place for place, name in enumerate(classes)}
    rows, vectors = [np.empty(0, np.int64)], [np.empty((0, embedder.dimension), np.float32)]
    done = 0
    for batch in album.pictures.batches(range(len(album)), size=embedder.input_size):
        rows.append(batch.rows)
        vectors.append(embedder.embed(batch.pictures))
        done += len(batch.rows)
        progress(f"embedding {what}", done, len(album))
    order = np.concatenate(rows)
    labels = np.array([number[album.classes[row]] for row in order.tolist()], dtype=np.int64)
    return LabelledVectors(np.concatenate(vectors), labels), order


def _check(learnt: LabelledVectors, classes: tuple[str, ...], what: str) -> None:
    numbers, sizes = np.unique(learnt.labels, return_counts=True)
    few = [classes[number] for number in numbers[sizes < 2].tolist()]
    if few or len(numbers) < 2:
        reason = f"one photo of {', '.join(few[:5])}" if few else f"only the class {', '.join(classes)}"
        raise NoEvaluation(f"there is {reason} {what}; two classes with two photos each are the least")
