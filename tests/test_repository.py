"""What is committed: no address of a registry, no path of somebody's machine, lock files that pin everything."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))

# Hosts that packages are installed from. Each is written in two parts, so that this file does not hold one itself.
REGISTRIES = [
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.deb" + "ian.org",
    "proxy.go" + "lang.org",
    "index.crates" + ".io",
    "download.py" + "torch.org",
]
# Home folders and the like; a path in a message or an example is one of the reader's own.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:ro" + r"ot|wo" + r"rk|ho" + r"me/(?!you/)\w+|Us" + r"ers/\w+)/")
TEXT = {".py", ".toml", ".lock", ".md", ".txt", ".yml", ".yaml", ".json", ".js", ".css", ".html", ".sh", ".cfg", ""}


def committed() -> list[Path]:
    """Files that are committed, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / item for item in listed.stdout.decode().split("\0") if item]
    return [path for path in paths if path.is_file()]


def texts() -> dict[str, str]:
    """The text files among them, but for vendored ones."""
    chosen = [path for path in committed() if path.suffix in TEXT and "vendor" not in path.parts]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in chosen}


def test_no_registry_is_named() -> None:
    wrong = [(path, host) for path, text in texts().items() for host in REGISTRIES if host in text]
    assert wrong == []


def test_no_path_of_a_machine_is_named() -> None:
    wrong = [(path, found.group()) for path, text in texts().items() for found in MACHINE_PATHS.finditer(text)]
    assert wrong == []


def test_nothing_huge_is_committed() -> None:
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in committed() if path.stat().st_size > 26e6}
    assert large == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_files_pin_by_hash_and_name_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    # OpenVINO would report its import over the network with it: docs/decisions/0002-no-telemetry.md.
    assert "openvino-telemetry" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) >= 2
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_base_has_no_torch() -> None:
    base = (ROOT / "requirements" / "base.lock").read_text()
    assert not re.search(r"^(torch|torchvision|lightly|onnx|scikit-learn)==", base, flags=re.MULTILINE)


def test_all_locks_agree_on_versions() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^([\w.-]+==[^\s;\\]+(?: ; [^\\]+?)?) *\\?$", path.read_text(), flags=re.MULTILINE))

    everything = pins(ROOT / "requirements" / "all.lock")
    for part in ("base", "train", "server"):
        names = {pin.partition(" ;")[0] for pin in pins(ROOT / "requirements" / f"{part}.lock")}
        assert names <= {pin.partition(" ;")[0] for pin in everything}, part


def test_the_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("setup", "check", "test", "demo", "bench"):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_decisions_are_short() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    assert {path.name: 1 for path in decisions if len(path.read_text().splitlines()) > 30} == {}
    assert all(re.match(r"\d{4}-[a-z0-9-]+\.md$", path.name) for path in decisions)
