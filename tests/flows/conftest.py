"""One running Ruiji for the flow tests that only read from it or add to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.photos import jpeg, scene, write_folder
from tests.servers.processes import eventually
from tests.stack import Stack


@pytest.fixture(scope="module", params=["milvus-lite", pytest.param("milvus-2.3.5", marks=pytest.mark.milvus)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with 30 labelled and 60 unlabelled pictures, all searchable; on each of the two index servers."""
    room = tmp_path_factory.mktemp("flow")
    given = {} if request.param == "milvus-lite" else {"RUIJI_INDEX_URL": str(request.getfixturevalue("milvus_url"))}
    write_folder(room / "photos" / "labelled", per_kind=10, labelled=True)
    write_folder(room / "photos" / "unlabelled", per_kind=20, labelled=False, first_seed=1000)
    stack = Stack(home=room / "home", allowed_root=room / "photos", environment=given)
    stack.start()
    try:
        for name, labelled in (("labelled", True), ("unlabelled", False)):
            stack.wait_job(stack.ingest(room / "photos" / name, labels_from_folders=labelled))
        # A Milvus server may leave out of an answer what was written in the last seconds (docs/INDEX.md: Bounded).
        any_picture = jpeg(scene("sky", 0))
        eventually(lambda: len(stack.upload(any_picture, k=100).json()["results"]) == 90, within_s=120)
        yield stack
    finally:
        stack.stop()
        left = stack.wait_gone()
    assert not left, f"ruiji up left processes behind: {left}"


@pytest.fixture(scope="module")
def photos(stack: Stack) -> Path:
    """The folder of all pictures of this stack."""
    return stack.allowed_root
