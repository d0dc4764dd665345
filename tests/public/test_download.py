"""Archives over HTTP, from a real server that breaks off, knows ranges or does not, or is not there."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.public.download import Archive, ArchiveDamaged, SourceUnreachable, download

CONTENT = bytes(range(256)) * 4096


@dataclass
class Site:
    """What the server does, and what it was asked."""

    address: str = ""
    ranges: bool = True
    # Bytes after which each answer, in turn, breaks off.
    break_after: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    def archive(self, *, digest: str = "") -> Archive:
        """The one file that this site has."""
        return Archive(f"{self.address}/photos.bin", "sha256", digest or hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on loopback."""
    served = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            served.asked.append(wanted)
            first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and served.ranges else 0
            if wanted and first >= len(CONTENT):
                self.send_error(416)
                return
            body = CONTENT[first:]
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.break_after.pop(0)] if served.break_after else body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    server.server_close()


def test_fetches_whole_file_and_tells_progress(site: Site, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = download(site.archive(), tmp_path, progress=lambda what, done, whole: told.append((done, whole)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_continues_where_it_broke_off(site: Site, tmp_path: Path) -> None:
    site.break_after = [300_000, 200_000]
    assert download(site.archive(), tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_continues_a_part_left_by_an_earlier_call(site: Site, tmp_path: Path) -> None:
    (tmp_path / "photos.bin.part").write_bytes(CONTENT[:1000])
    assert download(site.archive(), tmp_path).read_bytes() == CONTENT
    assert site.asked == ["bytes=1000-"]


def test_starts_anew_where_the_server_knows_no_ranges(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    (tmp_path / "photos.bin.part").write_bytes(b"something else")
    assert download(site.archive(), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_whole_is_checked_and_taken(site: Site, tmp_path: Path) -> None:
    (tmp_path / "photos.bin.part").write_bytes(CONTENT)
    assert download(site.archive(), tmp_path).read_bytes() == CONTENT


def test_second_call_asks_nothing(site: Site, tmp_path: Path) -> None:
    download(site.archive(), tmp_path)
    download(site.archive(), tmp_path)
    assert len(site.asked) == 1


def test_damaged_file_is_refused_and_removed(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ArchiveDamaged, match=r"photos\.bin"):
        download(site.archive(digest="0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_named_and_the_part_stays(site: Site, tmp_path: Path) -> None:
    (tmp_path / "photos.bin.part").write_bytes(CONTENT[:1000])
    gone = Archive("http://127.0.0.1:9/photos.bin", "sha256", "0" * 64)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1:9/photos\.bin"):
        download(gone, tmp_path)
    assert (tmp_path / "photos.bin.part").stat().st_size == 1000


def test_a_server_that_always_breaks_off_is_given_up(site: Site, tmp_path: Path) -> None:
    site.break_after = [10, 0, 0, 0, 0]
    with pytest.raises(SourceUnreachable):
        download(site.archive(), tmp_path)
    assert len(site.asked) == 2
