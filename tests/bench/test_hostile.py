"""`ruiji bench hostile` in its short form, and the files that it must notice."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from bench import hostile
from bench.hostile_files import isolation
from bench.hostile_files.folder import KINDS, NAMES, Written
from bench.hostile_files.poison import EFFECTS


def test_every_file_of_a_hostile_folder_is_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(isolation, "FILES", 100)  # the ratio is measured in the long form
    options = ["--files", "150", "--poison", "1", "--timeout", "5", "--out", str(tmp_path)]
    code = hostile.main(options)
    said = capsys.readouterr()
    result = json.loads(said.out.splitlines()[-1])
    assert code == 0, (said.err, result)
    assert result["files"] >= 150
    assert result["kinds"] >= 40
    assert (result["worker_crashes"], result["unreported"], result["good_skipped"]) == (0, 0, 0)
    assert result["poison"] == len(EFFECTS)
    assert 2 <= result["poison_attempts_most"] <= 3
    assert {"crashed", "timeout", "out_of_memory"} <= set(result["reported"])


def test_a_file_that_is_in_no_list_or_in_the_wrong_one_is_noticed() -> None:
    written = [Written(b"/a", "sound", "good"), Written(b"/b", "bomb", "bad"), Written(b"/c", "noise", "bad")]
    right = hostile.Fate(frozenset({b"/a"}), {b"/b": ("too_large", "save a copy"), b"/c": ("damaged", "copy it")})
    assert hostile.findings(written, right) == []
    silent = hostile.Fate(frozenset({b"/a"}), {b"/b": ("too_large", ""), b"/c": ("damaged", "copy it")})
    assert len(hostile.findings(written, silent)) == 1
    skipped = hostile.Fate(frozenset(), {b"/a": ("damaged", "copy it"), **right.bad})
    assert len(hostile.findings(written, skipped)) == 1
    taken = hostile.Fate(frozenset({b"/a", b"/b"}), {b"/c": ("damaged", "copy it")})
    assert len(hostile.findings(written, taken)) == 1
    assert len(hostile.findings(written, hostile.Fate(frozenset(), {}))) == 3


def test_there_are_kinds_enough_and_each_can_be_made() -> None:
    assert len(KINDS) + len(NAMES) >= 80
    slow = ("bomb", "200 MB", "without end", "400 frames")
    for name, kind in KINDS.items():
        if not any(word in name for word in slow):
            assert isinstance(kind.make(random.Random(name)), bytes), name
