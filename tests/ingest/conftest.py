"""A library for ingest tests: a real ledger, artifact store and decode children, and a stand-in for the network."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select

from catalog import chunks, encoders, jobs, sources, tables
from catalog.artifacts import ArtifactStore
from catalog.chunks import ClaimedChunk
from catalog.ledger import Ledger
from catalog.sources import Source
from catalog.storage.pictures import PictureStorage
from ingest.pool import DecodePool
from ingest.scan import ScanOutcome, scan_source
from ingest.stream import ChunkOutcome, embed_chunks

DIMENSION = 16
SIZE = 32
ENCODER = "e" * 64
PROJECTION = np.random.default_rng(0).normal(size=(SIZE * SIZE * 3, DIMENSION))


@dataclass
class Library:
    """Everything that an ingest needs, in one temporary folder."""

    ledger: Ledger
    store: ArtifactStore
    photos: Path
    batches: list[int] = field(default_factory=list)
    storage: PictureStorage = field(default_factory=PictureStorage)

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """A fixed random projection: the same pixels always give the same unit vector."""
        self.batches.append(len(pictures))
        vectors = (pictures.reshape(len(pictures), -1).astype(np.float64) - 127.5) @ PROJECTION
        unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def add_source(self, folder: Path | bytes | None = None, *, labels: bool = False) -> Source:
        return sources.add_source(self.ledger, folder or self.photos, labels_from_folders=labels)

    def start(self, source: Source) -> int:
        return jobs.create_ingest_job(self.ledger, source_id=source.id, encoder_id=ENCODER, author="test")

    def scan(self, source: Source, *, chunk_files: int = 512, chunk_mb: int = 256) -> ScanOutcome:
        self.start(source)
        claim = jobs.claim_scan(self.ledger, worker="scanner", lease_s=60)
        assert claim is not None
        return scan_source(self.ledger, claim, chunk_files=chunk_files, chunk_mb=chunk_mb, storage=self.storage)

    def claim(self, worker: str = "embedder", lease_s: float = 60) -> ClaimedChunk | None:
        return chunks.claim_chunk(self.ledger, worker=worker, lease_s=lease_s)

    def must_claim(self, worker: str = "embedder", lease_s: float = 60) -> ClaimedChunk:
        claimed = self.claim(worker, lease_s)
        assert claimed is not None
        return claimed

    def embed_all(self, pool: DecodePool, *, batch: int = 64) -> list[ChunkOutcome]:
        outcomes = list(
            embed_chunks(
                self.ledger,
                self.store,
                claim=self.claim,
                embed=self.embed,
                pool=pool,
                batch=batch,
                storage=self.storage,
            )
        )
        jobs.complete_jobs(self.ledger)
        return outcomes

    def ingest(self, pool: DecodePool, source: Source, *, chunk_files: int = 512) -> list[ChunkOutcome]:
        self.scan(source, chunk_files=chunk_files)
        return self.embed_all(pool)

    def rows(self, table: str) -> list[dict[str, object]]:
        with self.ledger.read() as connection:
            found = connection.execute(select(tables.metadata.tables[table])).mappings().all()
        return [dict(row) for row in found]

    def bad(self) -> dict[bytes, str]:
        return {row["path"]: str(row["kind"]) for row in self.rows("bad_file") if isinstance(row["path"], bytes)}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with its tables and one encoder; copying it is quicker than migrating another."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{path}")
    encoders.register(
        ledger,
        id=ENCODER,
        name="projection",
        dimension=DIMENSION,
        input_size=SIZE,
        folder="encoders/test",
        config={},
        metrics={},
    )
    ledger.close()
    return path


@pytest.fixture
def library(tmp_path: Path, migrated: Path) -> Iterator[Library]:
    (tmp_path / "home").mkdir()
    shutil.copy(migrated, tmp_path / "home" / "ledger.db")
    ledger = Ledger.open(f"sqlite:///{tmp_path}/home/ledger.db")
    photos = tmp_path / "photos"
    photos.mkdir()
    yield Library(ledger, ArtifactStore(tmp_path / "home" / "artifacts"), photos)
    ledger.close()


@pytest.fixture(scope="session")
def shared_pool() -> Iterator[DecodePool]:
    """Two decode children for the tests that do not kill them."""
    with DecodePool(2, size=SIZE, max_pixels=2000 * 2000 - 1) as pool:
        yield pool


# A decode child that stays at every picture of this name for as long as there is a mark.
HOLDS = """#!{python} -P
import sys, time
from pathlib import Path
from ingest import child
read = child.read_file
def held(path, **options):
    while path.endswith(b"held.png") and Path({mark!r}).exists():
        time.sleep(0.01)
    return read(path, **options)
child.read_file = held
child.main(sys.argv[-4:])
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As long as it is there, decoders that are started now stay at a picture called held.png."""
    mark, program = tmp_path / "mark", tmp_path / "holding"
    mark.touch()
    program.write_text(HOLDS.format(python=sys.executable, mark=str(mark)))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return mark


@pytest.fixture
def make_library(tmp_path: Path, library: Library) -> Callable[[], Library]:
    """Another process's view of the same library."""
    return lambda: Library(
        Ledger.open(f"sqlite:///{tmp_path}/home/ledger.db"),
        ArtifactStore(tmp_path / "home" / "artifacts"),
        library.photos,
    )
