"""A measurement names the commit that was measured, and says so when files differ from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench import record


@pytest.fixture(params=["checkout", "worktree"])
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, or a worktree of it."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    first = tmp_path / "first"
    (first / "bench" / "results").mkdir(parents=True)
    (first / "code.py").write_text("one\n")
    (first / "bench" / "results" / "one.json").write_text("{}\n")
    git(first, "init", "-q")
    git(first, "add", ".")
    git(first, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "one")
    at = first
    if request.param == "worktree":
        at = tmp_path / "second"
        git(first, "worktree", "add", "-q", "-b", "second", str(at))
    monkeypatch.setattr(record, "ROOT", at)
    return at


def git(at: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_named_in_a_worktree_too_and_files_that_git_does_not_know_are_no_change(tree: Path) -> None:
    head = git(tree, "rev-parse", "--short=12", "HEAD")
    (tree / "notes.txt").write_text("untracked\n")
    (tree / "bench" / "results" / "one.json").write_text('{"measured": 1}\n')
    (tree / "bench" / "results" / "two.json").write_text("{}\n")
    assert record.commit() == head


@pytest.mark.parametrize("staged", [False, True])
def test_code_that_differs_is_said(tree: Path, staged: bool) -> None:
    (tree / "code.py").write_text("two\n")
    if staged:
        git(tree, "add", "code.py")
    assert record.commit() == git(tree, "rev-parse", "--short=12", "HEAD") + "+changes"


def test_where_there_is_no_repository_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert record.commit() == "unknown"
