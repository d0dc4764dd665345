"""The page listens where only this machine comes, or people sign in; by no name that others know it does not start."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.gunicorn_server import WebServer
from deploy.page_address import OpenToOthers, check_bind, people_sign_in, reached_by_others, shown
from settings import Settings


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


@pytest.mark.parametrize("bind", ["0.0.0.0:8765", "[::]:8765", "192.168.1.5:8765", "tcp://0.0.0.0:8765"])
def test_by_a_name_that_others_know_it_may_and_people_sign_in(bind: str) -> None:
    assert check_bind(bind, hosts=["localhost", "photos.example.org"]) == bind
    assert reached_by_others(bind)
    with pytest.raises(OpenToOthers):
        check_bind(bind, hosts=["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])


@pytest.mark.parametrize("bind", ["0.0.0.0:8765:9", "0x0:8765", "", ":8765", "web:8765\n"])
def test_an_odd_address_is_refused_whatever_the_names(bind: str) -> None:
    with pytest.raises(OpenToOthers):
        check_bind(bind, hosts=["photos.example.org"])


def test_people_sign_in_wherever_others_may_come() -> None:
    assert [reached_by_others(bind) for bind in ("127.0.0.1:1", "[::1]:1", "localhost:1")] == [False] * 3
    assert [reached_by_others(bind) for bind in ("web:8765", "fd://9999")] == [True] * 2
    with socket.socket() as here, socket.socket() as open_to_all, socket.socket(socket.AF_UNIX) as a_proxys:
        here.bind(("127.0.0.1", 0))
        open_to_all.bind(("0.0.0.0", 0))
        reached = [reached_by_others(f"fd://{one.fileno()}") for one in (here, open_to_all, a_proxys)]
        assert reached == [False, True, True]
        assert shown(f"fd://{here.fileno()}", hosts=["localhost"], https=False).endswith(f":{here.getsockname()[1]}")
    assert shown("web:8765", hosts=["localhost", "photos.example.org"], https=True) == "https://photos.example.org"
    assert shown("unix:/run/page", hosts=["photos.example.org"], https=False) == "http://photos.example.org"


def test_on_this_machine_alone_nobody_has_to_sign_in() -> None:
    hosts = ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "127.0.0.5"]
    assert not people_sign_in("127.0.0.1:8765", hosts=hosts, https=False, proxies=0)


BEHIND_A_PROXY: dict[str, tuple[str, dict[str, Any]]] = {
    "https": ("127.0.0.1:8765", {"https": True}),
    "proxies": ("127.0.0.1:8765", {"proxies": 1}),
    "a name": ("127.0.0.1:8765", {"allowed_hosts": ["localhost", "photos.example.org"]}),
    "an address": ("127.0.0.1:8765", {"allowed_hosts": ["localhost", "192.0.2.7"]}),
    "a Unix socket": ("unix:/run/page", {}),
}


@pytest.mark.parametrize(("bind", "given"), BEHIND_A_PROXY.values(), ids=BEHIND_A_PROXY)
def test_behind_a_proxy_people_sign_in_though_the_page_listens_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bind: str, given: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)  # where no settings of a person lie
    settings = Settings(home=tmp_path, index_url="http://127.0.0.1:1", **given)
    try:
        app = WebServer(settings, bind=bind).load()
    finally:
        gc.unfreeze()  # the server keeps what it has loaded; this process has other tests to run
    assert app.test_client().get("/api/v1/labels").status_code == 401


def test_the_server_does_not_start_on_all_addresses() -> None:
    command = [sys.executable, "-m", "deploy.gunicorn_server", "--bind", "0.0.0.0:8765"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "RUIJI_ALLOWED_HOSTS has no name" in ended.stderr
    assert "Traceback" not in ended.stderr
