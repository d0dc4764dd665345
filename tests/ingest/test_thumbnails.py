"""Thumbnails of a chunk in one artifact, read back one by one, never mistaken for something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.artifacts import ArtifactMissing, ArtifactStore
from ingest.decode import Decoded, decode_bytes
from ingest.thumbnails import ThumbnailDamagedError, ThumbnailPack, get_thumbnail
from tests.ingest.bad_files import picture, saved


def thumbnail(seed: int) -> bytes:
    decoded = decode_bytes(saved(picture(300, 200, seed=seed), "JPEG"), size=32)
    assert isinstance(decoded, Decoded)
    return decoded.thumbnail


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_each_comes_back_from_its_offset(store: ArtifactStore) -> None:
    pack = ThumbnailPack()
    assert len(pack) == 0
    wanted = [thumbnail(seed) for seed in range(5)]
    spots = [pack.add(one) for one in wanted]
    assert len(pack) == 5
    key = pack.write(store, chunk_id=7, fence=2)
    assert key == "thumbnails/7-2.pack"
    assert [get_thumbnail(store, key, offset=offset, length=length) for offset, length in spots] == wanted


def test_a_wrong_spot_is_damage_and_not_a_picture(store: ArtifactStore) -> None:
    pack = ThumbnailPack()
    offset, length = pack.add(thumbnail(1))
    key = pack.write(store, chunk_id=1, fence=1)
    for wrong in ((offset + 1, length - 1), (offset, length - 1), (0, length), (offset, length + 100), (10**9, 10)):
        with pytest.raises(ThumbnailDamagedError, match=r"thumbnails/1-1\.pack is damaged"):
            get_thumbnail(store, key, offset=wrong[0], length=wrong[1])


def test_a_pack_that_is_gone(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactMissing):
        get_thumbnail(store, "thumbnails/9-9.pack", offset=8, length=100)
