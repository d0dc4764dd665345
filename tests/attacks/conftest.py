"""One running Ruiji with hostile names in its photos, a canary beside its folder, and who attacks it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from bench.record import publish
from tests.attacks.paths import SECRET
from tests.attacks.speaking import Attacker
from tests.attacks.tally import COMMAND, PUBLISHED, TIMES, Tally
from tests.attacks.texts import texts
from tests.photos import jpeg, scene, write_folder
from tests.stack import Stack

HOSTILE_FILES = 24
LONGEST_NAME = 240  # bytes, with room for a number and an ending


def file_names(number: int) -> list[bytes]:
    """Texts that a file can have as its name."""
    encoded = (text.encode("utf-8", "surrogateescape" if text.isascii() else "replace") for text in texts(400))
    fit = (name for name in encoded if name.strip() and not {0, 47} & set(name) and len(name) < LONGEST_NAME)
    shown = (name for name in fit if not name.startswith(b"."))
    return [b"%b %d.jpg" % (name, at) for at, name in enumerate(islice(shown, number))]


@pytest.fixture(scope="session")
def tally() -> Iterator[Tally]:
    counted = Tally({"injections": 0, "escapes": 0, "traversals": 0, "leaks": 0, "listeners": 0})
    yield counted
    print("\n" + json.dumps({"benchmark": "attacks", **counted}))
    if PUBLISHED:
        publish("attacks", dict(counted), command=COMMAND, times=TIMES)


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that no answer may show, as text and as a picture that would pass for one of the photos."""
    folder = tmp_path_factory.mktemp("attacks") / "secret"
    folder.mkdir()
    (folder / "canary.txt").write_text(SECRET)
    picture = jpeg(scene("brick", 666))
    comment = SECRET.encode()
    (folder / "canary.jpg").write_bytes(
        picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + picture[2:]
    )
    return folder / "canary.txt"


@pytest.fixture(scope="session")
def stack(secret: Path) -> Iterator[Stack]:
    """As `ruiji up` starts it: 24 photos with hostile names, 9 plain ones, a broken one, and links that lead out."""
    room = secret.parent.parent
    photos = room / "photos"
    write_folder(photos / "plain", per_kind=3, labelled=True)
    hostile = os.fsencode(photos / "hostile")
    (photos / "hostile").mkdir()
    for seed, name in enumerate(file_names(HOSTILE_FILES)):
        with open(hostile + b"/" + name, "wb") as file:
            file.write(jpeg(scene("sky", 100 + seed)))
    with open(hostile + b'/<img src=x onerror=window.ran=1>"broken\n.jpg', "wb") as file:
        file.write(b"\xff\xd8 no picture")
    beside = room / "photos-beside"
    beside.mkdir()
    (beside / "canary.txt").write_text(SECRET)
    samples = room / "home" / "samples"
    samples.mkdir(parents=True)
    (samples / "sky.jpg").write_bytes(jpeg(scene("sky", 999)))
    for folder in (photos, photos / "plain", samples):
        (folder / "link.jpg").symlink_to(secret.with_suffix(".jpg"))
        (folder / "link").symlink_to(secret.parent)
    running = Stack(home=room / "home", allowed_root=photos, environment={"RUIJI_QUERY_TIMEOUT_S": "60"})
    running.start()
    try:
        for below in ("plain", "hostile"):
            running.wait_job(running.ingest(photos / below, labels_from_folders=below == "plain"))
        yield running
    finally:
        running.stop()
        left = running.wait_gone()
    assert not left, f"ruiji up left processes behind: {left}"


@pytest.fixture(scope="session")
def attacker(stack: Stack) -> Iterator[Attacker]:
    somebody = Attacker(stack)
    yield somebody
    somebody.close()
