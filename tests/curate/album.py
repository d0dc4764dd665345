"""Images with vectors in shards, written straight into the ledger: what is tested is how they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
from sqlalchemy import insert

from catalog import tables
from catalog.artifacts import ArtifactStore
from catalog.encoders import register
from catalog.label_events import State
from catalog.labels import Decision, ensure_label, record
from catalog.ledger import Ledger
from catalog.shards import Vectors, write_shard

ENCODER = "e" * 64


@dataclass
class Album:
    """A ledger and a store; `shards` are the keys written so far."""

    ledger: Ledger
    store: ArtifactStore
    shards: list[str] = field(default_factory=list)
    images: int = 0

    def add(self, vectors: Vectors, *, encoder_id: str = ENCODER, first: int | None = None) -> list[int]:
        """One shard with these vectors (n, d); makes images for them, unless they are those from id `first` on."""
        ids = list(range(first or self.images + 1, (first or self.images + 1) + len(vectors)))
        register(
            self.ledger,
            id=encoder_id,
            name="x",
            dimension=vectors.shape[1],
            input_size=32,
            folder="f",
            config={},
            metrics={},
        )
        number = len(self.shards) + 1
        shard = write_shard(
            self.store, encoder_id=encoder_id, chunk_id=number, fence=1, image_ids=np.array(ids), vectors=vectors
        )
        self.shards.append(shard.key)
        encoder = {"encoder_id": encoder_id}
        with self.ledger.write() as connection:
            if first is None:
                self.images += len(ids)
                hashes = {image_id: f"{image_id:064x}" for image_id in ids}
                size = {"width": 96, "height": 96, "bytes": 4000, "format": "JPEG", "created_at": 1.0}
                connection.execute(
                    insert(tables.image),
                    [{"id": one, "sha256": hashes[one], "pixel_hash": hashes[one], **size} for one in ids],
                )
            job = {"kind": "embed", **encoder, "state": "done", "author": "a", "created_at": 1.0}
            connection.execute(insert(tables.job), [{"id": number, **job}])
            chunk = {"job_id": number, **encoder, "state": "done", "files": len(ids), "bytes": 1}
            connection.execute(insert(tables.chunk), [{"id": number, **chunk}])
            row = {"key": shard.key, "rows": shard.rows, "sha256": shard.sha256, "created_at": 1.0}
            connection.execute(insert(tables.shard), [{"id": number, **encoder, "chunk_id": number, **row}])
            connection.execute(
                insert(tables.embedding),
                [{**encoder, "image_id": one, "shard_id": number, "row": place} for place, one in enumerate(ids)],
            )
        return ids

    def decide(self, label: str, image_ids: list[int], decision: State = "yes") -> int:
        """Record a decision; returns the batch."""
        label_id = ensure_label(self.ledger, label).id
        decisions = [Decision(image_id=one, label_id=label_id, decision=decision) for one in image_ids]
        return record(self.ledger, key=uuid4().hex, author="wei", decisions=decisions).batch_id


def around(direction: int, rows: int, *, seed: int = 0, dimension: int = 16) -> Vectors:
    """Unit rows near one axis: those of different directions are far apart."""
    vectors = np.random.default_rng([seed, direction]).normal(0, 0.05, (rows, dimension)).astype(np.float32)
    vectors[:, direction] += 1
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
