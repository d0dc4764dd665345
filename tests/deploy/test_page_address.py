"""The page without a login listens where others cannot come, or does not start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.page_address import OpenToOthers, check_bind


@pytest.mark.parametrize(
    "bind", ["127.0.0.1:8765", "127.9.9.9:1", "[::1]:8765", "localhost:8765", "web:8765", "fd://7", "unix:/run/page"]
)
def test_the_page_may_listen_where_nobody_else_comes(bind: str) -> None:
    assert check_bind(bind) == bind


@pytest.mark.parametrize(
    "bind",
    [
        *("0.0.0.0:8765", "[::]:8765", ":8765", "8765", "0:8765", "0x0:8765", "127.1:8765", "192.168.1.5:8765"),
        *("tcp://0.0.0.0:8765", "203.0.113.9:80", "[2001:db8::1]:8765", "[::ffff:0.0.0.0]:8765", ""),
        *("0.0.0.0:8765:9", "0.0.0.0:8765:x", "[::]x:8765", "localhost:80,0.0.0.0:80", "web:8765\n"),
    ],
)
def test_an_address_that_others_reach_is_refused(bind: str) -> None:
    with pytest.raises(OpenToOthers, match=r"127\.0\.0\.1"):
        check_bind(bind)


def test_the_server_does_not_start_on_all_addresses() -> None:
    command = [sys.executable, "-m", "deploy.gunicorn_server", "--bind", "0.0.0.0:8765"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "the page has no login" in ended.stderr
    assert "Traceback" not in ended.stderr
