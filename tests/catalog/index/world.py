"""A small world for tests: images in a ledger, their shards in a store, written by the functions that workers use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from catalog.artifacts import ArtifactStore
from catalog.chunks import add_chunks, claim_chunk
from catalog.embeddings import DecodedFile, assign_ids, commit_chunk
from catalog.encoders import Encoder, register
from catalog.index import VectorIndex
from catalog.index_queue import claim_shard
from catalog.indexing import index_one_shard, refresh_changes
from catalog.jobs import claim_scan, complete_jobs, create_ingest_job, scan_done
from catalog.ledger import Ledger
from catalog.places import FoundFile, finish_scan, record_files
from catalog.shards import write_shard
from catalog.sources import add_source
from tests.catalog.index.made import embeddings


@dataclass
class World:
    """Everything that an index worker has, and the vectors by image id."""

    ledger: Ledger
    store: ArtifactStore
    index: VectorIndex
    encoder: Encoder
    vectors: dict[int, NDArray[np.float32]]

    @classmethod
    def make(cls, folder: Path, index: VectorIndex, *, dimension: int = 64) -> World:
        """An empty one with an encoder of its own, so that the collection is its own too."""
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        encoder = register(
            ledger,
            id=hashlib.sha256(uuid4().bytes).hexdigest(),
            name="test",
            dimension=dimension,
            input_size=32,
            folder="encoders/test",
            config={},
            metrics={},
        )
        return cls(ledger, ArtifactStore(folder / "artifacts"), index, encoder, {})

    def ingest(
        self,
        names: Sequence[str],
        *,
        root: str = "/photos",
        seed: int = 0,
        chunk: int = 512,
        vectors: NDArray[np.float32] | None = None,
    ) -> list[int]:
        """Ingest files by name (their bytes are their names), without the index worker; returns the image ids.

        `vectors` (n, d) are their embeddings, random ones unless given.
        """
        if vectors is None:
            vectors = embeddings(len(names), seed=seed, dimension=self.encoder.dimension)
        source = add_source(self.ledger, Path(root), labels_from_folders=any("/" in name for name in names))
        create_ingest_job(self.ledger, source_id=source.id, encoder_id=self.encoder.id, author="test")
        scan = claim_scan(self.ledger, worker="test", lease_s=60)
        assert scan is not None
        found = [FoundFile(name.encode(), 10, 1) for name in names]
        places = record_files(self.ledger, job_id=scan.job_id, source_id=source.id, files=found)
        finish_scan(self.ledger, scan.job_id)
        chunks = [places[start : start + chunk] for start in range(0, len(places), chunk)]
        add_chunks(self.ledger, job_id=scan.job_id, encoder_id=self.encoder.id, chunks=chunks)
        scan_done(self.ledger, scan)
        by_name = dict(zip(names, vectors, strict=True))
        ids = self.embed(by_name)
        complete_jobs(self.ledger)
        return [ids[name] for name in names]

    def embed(self, by_name: dict[str, NDArray[np.float32]]) -> dict[str, int]:
        """Do what embed workers do until no chunk is left: name -> image id."""
        ids: dict[str, int] = {}
        while (claimed := claim_chunk(self.ledger, worker="test", lease_s=60)) is not None:
            files = [decoded(item.place_id, item.path.decode()) for item in claimed.items]
            known = assign_ids(self.ledger, claimed, files)
            image_ids = np.array([known[file.sha256] for file in files])
            stacked = np.stack([by_name[item.path.decode()] for item in claimed.items])
            shard = write_shard(
                self.store,
                encoder_id=self.encoder.id,
                chunk_id=claimed.id,
                fence=claimed.fence,
                image_ids=image_ids,
                vectors=stacked,
            )
            result = commit_chunk(
                self.ledger,
                claimed,
                files=files,
                image_ids=known,
                bad=[],
                shard=shard,
                thumbnail_pack=None,
                timings={},
            )
            assert result == "committed"
            for item, image_id, vector in zip(claimed.items, image_ids.tolist(), stacked, strict=True):
                ids[item.path.decode()] = image_id
                self.vectors[image_id] = vector
        return ids

    def work(self) -> int:
        """Do what the index worker does until nothing is left; returns the rows written."""
        written = 0
        while (claimed := claim_shard(self.ledger, worker="test", lease_s=60)) is not None:
            written += index_one_shard(self.ledger, self.store, self.index, claimed)
        while changed := refresh_changes(self.ledger, self.store, self.index):
            written += changed
        return written

    def copy(self, image_ids: Sequence[int]) -> dict[int, tuple[list[int], list[int]]]:
        """The index's copy of labels and sources."""
        rows = self.index.fetch(self.encoder.collection, image_ids)
        return {
            image_id: ([x for x in labels if x], [x for x in sources if x])
            for image_id, labels, sources in zip(
                rows.ids.tolist(), rows.labels.tolist(), rows.sources.tolist(), strict=True
            )
        }

    def close(self) -> None:
        """Remove the collection and close the ledger."""
        self.index.drop(self.encoder.collection)
        self.ledger.close()


def decoded(place_id: int, name: str) -> DecodedFile:
    """What decoding a file would have told: two names that end alike are the same bytes."""
    digest = hashlib.sha256(name.rpartition("/")[2].encode()).hexdigest()
    return DecodedFile(
        place_id=place_id,
        sha256=digest,
        pixel_hash=digest,
        width=64,
        height=48,
        bytes=10,
        format="JPEG",
        mtime_ns=1,
        size=10,
        thumbnail_offset=0,
        thumbnail_length=0,
    )
