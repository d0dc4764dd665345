"""The demo's 11,000 photos and their true labels: only for `make hunt-demo`, because they are 139 MB to fetch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ingest.public import demo
from ingest.public.cifar10 import LABELS, published
from ingest.public.cifar10_source import read_batch
from tests.browser.conftest import context, page, watch
from tests.browser.running import Site
from tests.stack import Stack

__all__ = ["context", "page", "watch"]
# Read at once: tests see no setting of whoever runs them.
GIVEN = os.environ.get("RUIJI_HUNT_DEMO", "")  # the archive, if it is here
PICTURES = os.environ.get("RUIJI_HUNT_DEMO_PICTURES", "")  # a folder for screenshots and figures, if they are wanted
collect_ignore_glob = [] if GIVEN else ["test_*.py"]


@dataclass(frozen=True)
class Demo:
    """The demo as `make demo` starts it, and the label of each unlabelled photo by its file's name."""

    site: Site
    truth: dict[str, str]


@pytest.fixture(scope="session")
def eleven_thousand(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Running, with all photos searchable; asks for the browser first, so that nothing is fetched where none is."""
    room = tmp_path_factory.mktemp("demo")
    photos = room / "photos"
    with published(photos, local=Path(GIVEN) if Path(GIVEN).exists() else None, progress=None) as unpacked:
        labels = read_batch(unpacked, "test_batch").labels
        demo.fetch(photos, local=unpacked)
    truth = {f"{number:05d}.png": LABELS[label] for number, label in enumerate(labels, start=1)}
    stack = Stack(home=room / "home", allowed_root=photos)
    stack.environment["RUIJI_SAMPLES_DIR"] = str(photos / "samples")
    (room / "home").mkdir()
    stack.start()
    try:
        for name, labelled in (("labelled", True), ("unlabelled", False)):
            stack.wait_job(stack.ingest(photos / name, labels_from_folders=labelled), timeout_s=600)
        yield Demo(Site(stack=stack, folder=photos), truth)
    finally:
        stack.stop()
        left = stack.wait_gone()
    assert not left, f"ruiji up left processes behind: {left}"


@pytest.fixture(scope="session")
def pictures_to() -> Path | None:
    """Where screenshots and figures are wanted, if they are."""
    return Path(PICTURES) if PICTURES else None
