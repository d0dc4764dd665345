"""Compares what was acknowledged of photos and encoders with ledger, shards, thumbnails and index at the end of a run.

The ledger is read by SQL of its own and the shards by safetensors: what writes them is not asked what it meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from bench.under_fire.clients import Switched, Taken
from bench.under_fire.findings import Findings
from bench.under_fire.rows import Look, looking

Held = Mapping[str, Sequence[int]]  # encoder -> ids of the rows that its collection holds


def check_files(
    home: Path, *, taken: Sequence[Taken], switched: Sequence[Switched], held: Held, ledger: str = ""
) -> Findings:
    """Everything but the labels. `ledger`: the URL of one that is not the home's own file."""
    found = Findings()
    with looking(ledger or home / "ledger.db") as look:
        _photos(look, taken, found)
        _shards(look, home / "artifacts", found)
        _thumbnails(look, home / "artifacts", found)
        _work(look, found)
        _index(look, held, found)
        _serving(look, switched, found)
    return found


def _photos(ledger: Look, taken: Sequence[Taken], found: Findings) -> None:
    """Each file of each acknowledged ingest is a place of the image with its bytes, with a vector of the encoder."""
    rows = ledger.rows(
        "SELECT root, path, state, sha256, i.id FROM place p JOIN source s ON s.id = source_id"
        " LEFT JOIN image i ON i.id = image_id"
    )
    places = {bytes(root) + b"/" + bytes(path): rest for root, path, *rest in rows}
    jobs = dict(ledger.rows("SELECT id, encoder_id FROM job"))
    vectors = set(ledger.rows("SELECT encoder_id, image_id FROM embedding"))
    for one in taken:
        encoder = jobs.get(one.job)
        found.count("files", len(one.files))
        if encoder is None:
            found.lost.append(f"job {one.job} was acknowledged and is not there")
        for path, sha256 in one.files.items():
            state, its_sha256, image = places.get(bytes(path), (None, None, None))
            if image is None or its_sha256 != sha256:
                found.lost.append(f"{path} of job {one.job} is {state}, with image {image} of {its_sha256}")
            elif state != "known":
                found.wrong.append(f"{path} of job {one.job} is {state}")
            elif (encoder, image) not in vectors:
                found.lost.append(f"{path} of job {one.job} has no vector of {encoder}")


def _shards(ledger: Look, store: Path, found: Findings) -> None:
    """Each vector is in one shard, at its row, of length 1."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for shard, image, row in ledger.rows("SELECT shard_id, image_id, row FROM embedding"):
        rows.setdefault(shard, []).append((image, row))
    held: Counter[tuple[str, int]] = Counter()
    for shard, encoder, key in ledger.rows("SELECT id, encoder_id, key FROM shard"):
        try:
            content = load_file(store / key)
        except (OSError, SafetensorError) as error:
            found.lost.append(f"shard {key}: {error}")
            continue
        ids, lengths = content["ids"], np.linalg.norm(content["vectors"], axis=1)
        held.update((encoder, int(image)) for image in ids)
        found.count("vectors", len(ids))
        if not np.allclose(lengths, 1, atol=1e-3):
            found.wrong.append(f"shard {key} holds vectors of another length than 1")
        found.wrong += [
            f"image {image} is not at row {row} of {key}"
            for image, row in rows.get(shard, ())
            if row >= len(ids) or ids[row] != image
        ]
    found.duplicates += [
        f"image {image} is in {n} shards of {encoder}" for (encoder, image), n in held.items() if n > 1
    ]


def _thumbnails(ledger: Look, store: Path, found: Findings) -> None:
    packs: dict[str, bytes] = {}
    rows = ledger.rows(
        "SELECT id, thumbnail_pack, thumbnail_offset, thumbnail_length FROM image WHERE deleted_at IS NULL"
        " AND id IN (SELECT image_id FROM embedding)"
    )
    for image, pack, offset, length in rows:
        found.count("thumbnails", 1)
        if pack is None or not (store / pack).is_file():
            found.lost.append(f"image {image} has no thumbnail: {pack}")
            continue
        content = packs.setdefault(pack, (store / pack).read_bytes())[offset : offset + length]
        if len(content) != length or not content.startswith(b"\xff\xd8"):
            found.wrong.append(f"the thumbnail of image {image} in {pack} is no JPEG")


def _work(ledger: Look, found: Findings) -> None:
    """Nothing is left open, no sound photo was given up, and each result was counted once."""
    for chunk, state, error in ledger.rows("SELECT id, state, error FROM chunk WHERE state <> 'done'"):
        found.wrong.append(f"chunk {chunk} is {state}: {error}")
    for path, reason in ledger.rows("SELECT path, reason FROM bad_file"):
        found.wrong.append(f"{path!r} is sound and was called bad: {reason}")
    counted = dict(ledger.rows("SELECT encoder_id, sum(embedded) FROM chunk GROUP BY encoder_id"))
    for encoder, vectors in ledger.rows("SELECT encoder_id, count(*) FROM embedding GROUP BY encoder_id"):
        if counted.get(encoder) != vectors:
            found.wrong.append(f"chunks counted {counted.get(encoder)} vectors of {encoder}, and there are {vectors}")


def _index(ledger: Look, held: Held, found: Findings) -> None:
    for encoder, ids in held.items():
        wanted = {
            row[0]
            for row in ledger.rows(
                "SELECT image_id FROM embedding JOIN image i ON i.id = image_id JOIN shard s ON s.id = shard_id"
                " WHERE embedding.encoder_id = :encoder AND deleted_at IS NULL AND indexed_at IS NOT NULL",
                encoder=encoder,
            )
        }
        found.count("index rows", len(wanted))
        found.lost += [f"image {image} is not in the index of {encoder}" for image in sorted(wanted - set(ids))]
        found.wrong += [f"the index of {encoder} holds {image}, no image of it" for image in sorted(set(ids) - wanted)]
        found.duplicates += [f"{n} rows of image {image} in {encoder}" for image, n in Counter(ids).items() if n > 1]


def _serving(ledger: Look, switched: Sequence[Switched], found: Findings) -> None:
    """The encoder that serves is that of the last switch that was answered, or of a later one without an answer."""
    answered = [at for at, one in enumerate(switched) if one.answered]
    found.count("switches", len(answered))
    if not answered:
        return
    possible = {one.serving for one in switched[answered[-1] :]}
    [(serving,)] = ledger.rows("SELECT encoder_id FROM serving")
    if serving not in possible and None not in possible:
        found.lost.append(f"{serving} serves, and the last switch was to {switched[answered[-1]].serving}")
