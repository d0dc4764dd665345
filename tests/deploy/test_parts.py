"""The pieces that `ruiji up` is made of: lock, ports, parts, broker, index server, log."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.lock import AlreadyRunning, HomeLock, is_held
from deploy.logs import Log
from deploy.milvus_lite import milvus_part
from deploy.ports import PortTaken, listen
from deploy.process import Part
from deploy.supervisor import PartEnded, StartFailed, Supervisor
from deploy.valkey import UnsafeFolder, answers, make_private, valkey_part
from worker.replies import Replies, connect

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
# Starts a child of its own and ignores SIGTERM: what an orderly stop cannot end.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool], *, within_s: float = 90) -> bool:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(tmp_path: Path, terminal: io.StringIO) -> Supervisor:
    return Supervisor(Log(tmp_path / "logs", terminal=terminal))


def sleeper(name: str, code: str = SLEEPER) -> Part:
    return Part(name=name, command=(sys.executable, "-c", code))


def test_one_stack_per_home_and_the_kernel_gives_the_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    path.parent.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from deploy.lock import HomeLock\n"
            "with HomeLock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)",
            str(path),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    assert is_held(path)
    with pytest.raises(AlreadyRunning, match=str(holder.pid)), HomeLock(path):
        pass
    holder.kill()
    holder.wait()
    assert not is_held(path)
    with HomeLock(path):
        assert is_held(path)


def test_a_taken_port_is_an_error_or_the_next_one() -> None:
    with listen("127.0.0.1", 0, exactly=True) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            listen("127.0.0.1", port, exactly=True)
        with listen("127.0.0.1", port, exactly=False) as other:
            assert port < other.getsockname()[1] < port + 50


def test_valkey_keeps_its_messages_over_a_kill_and_has_no_port(tmp_path: Path, supervisor: Supervisor) -> None:
    path = tmp_path / "run" / "valkey.sock"
    url = f"redis+socket://{path}?virtual_host=0"
    for round_ in range(2):
        supervisor.start(valkey_part(data=tmp_path / "data", socket=path))
        supervisor.wait_until("valkey", lambda: answers(url), timeout_s=90)
        connection = connect(url)
        assert connection.config_get("port")["port"] == "0"
        assert connection.config_get("appendonly")["appendonly"] == "yes"
        assert connection.llen("embed") == round_ * 20
        if round_ == 0:
            for number in range(20):
                connection.lpush("embed", str(number))
        os.kill(supervisor.pid("valkey"), signal.SIGKILL)
        assert eventually(lambda: not answers(url))
    assert path.exists()  # left behind by the killed server, and removed at each start above
    supervisor.stop_all()


def test_a_reply_is_given_once_and_expires(tmp_path: Path, supervisor: Supervisor) -> None:
    path = tmp_path / "valkey.sock"
    url = f"redis+socket://{path}?virtual_host=0"
    supervisor.start(valkey_part(data=tmp_path / "data", socket=path))
    supervisor.wait_until("valkey", lambda: answers(url), timeout_s=90)
    connection = connect(url)
    replies = Replies(connection)
    assert replies.wait("nobody", timeout_s=0.05) is None
    replies.send("one", {"value": 1})
    assert 0 < int(connection.ttl("ruiji:reply:one")) <= 60
    assert replies.wait("one", timeout_s=60) == {"value": 1}
    assert replies.wait("one", timeout_s=0.05) is None
    assert not replies.alive("query")
    replies.sign_of_life("query")
    assert replies.alive("query")
    supervisor.stop_all()


def test_a_part_that_no_other_needs_is_started_again_later_each_time(
    supervisor: Supervisor, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.rests.FIRST_S", 0.05)
    supervisor.start(replace(sleeper("train"), again=True))
    supervisor.start(sleeper("web"))
    pids = [supervisor.pid("train")]
    for _ in range(2):
        os.kill(pids[-1], signal.SIGKILL)

        def again() -> bool:
            supervisor.check()
            return supervisor.pid("train") != pids[-1]

        assert eventually(again)
        pids.append(supervisor.pid("train"))
    assert alive(pids[-1]) and alive(supervisor.pid("web"))
    supervisor.stop_all()
    assert not alive(pids[-1])
    assert terminal.getvalue().count("train was killed by SIGKILL: starting it again") == 2


def test_the_run_folder_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFolder, match="link"):
        make_private(tmp_path / "link")


def test_milvus_lite_listens_on_loopback_only_and_closes_in_order(tmp_path: Path, supervisor: Supervisor) -> None:
    port_file = tmp_path / "milvus.port"
    port_file.write_text("1")  # of a server that was killed
    supervisor.start(milvus_part(data=tmp_path / "data", port_file=port_file))
    supervisor.wait_until("milvus", port_file.exists, timeout_s=120)
    port = int(port_file.read_text())
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) == port
    ]
    assert listening
    # 127.0.0.1, which gRPC writes as an IPv6 address where it can.
    assert {address.partition(":")[0][-8:] for address in listening} == {"0100007F"}
    assert {address.partition(":")[0][:-8] for address in listening} <= {"", "0000000000000000FFFF0000"}
    supervisor.stop_all()
    assert not port_file.exists()


def test_the_death_of_a_part_is_noticed_and_all_are_stopped(supervisor: Supervisor, terminal: io.StringIO) -> None:
    for name in ("valkey", "embed", "web"):
        supervisor.start(sleeper(name))
    pids = [supervisor.pid(name) for name in ("valkey", "embed", "web")]
    assert eventually(lambda: terminal.getvalue().count(" up") == 3)
    os.kill(supervisor.pid("embed"), signal.SIGKILL)
    with pytest.raises(PartEnded, match="embed was killed by SIGKILL"):
        supervisor.watch()
    supervisor.stop_all()
    assert not any(alive(pid) for pid in pids)
    assert "web     up" in terminal.getvalue()


def test_a_stubborn_part_and_its_children_are_ended_too(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.supervisor.GRACE_S", 0.5)
    supervisor.start(sleeper("embed", STUBBORN))
    log = tmp_path / "logs" / "embed.log"
    assert eventually(lambda: log.exists() and log.read_text().strip() != "")
    grandchild = int(log.read_text().split()[-1])
    assert alive(grandchild)
    supervisor.stop_all()
    assert eventually(lambda: not alive(grandchild))


def test_a_part_that_does_not_start_is_named_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(sleeper("milvus", "import sys; print('no room left'); sys.exit(3)"))
    # Asked for at once: the part has ended before anybody has read what it said.
    supervisor._children["milvus"][1].wait()
    with pytest.raises(StartFailed) as failed:
        supervisor.wait_until("milvus", lambda: False, timeout_s=90)
    first, last = str(failed.value).splitlines()
    assert first == "milvus ended with status 3"
    assert last.endswith(" no room left")
    supervisor.stop_all()


def test_a_part_that_never_answers_is_named_and_still_stopped(supervisor: Supervisor, terminal: io.StringIO) -> None:
    supervisor.start(sleeper("embed"))
    assert eventually(lambda: " up" in terminal.getvalue())
    with pytest.raises(StartFailed) as failed:
        supervisor.wait_until("embed", lambda: False, timeout_s=1)
    first, last = str(failed.value).splitlines()
    assert first == "embed did not answer within 1 s"
    assert last.endswith(" up")
    assert alive(supervisor.pid("embed"))
    supervisor.stop_all()
    assert not alive(supervisor.pid("embed"))


def test_parts_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from deploy.logs import Log\n"
        "from deploy.process import Part; from deploy.supervisor import Supervisor\n"
        "supervisor = Supervisor(Log(Path(sys.argv[1])))\n"
        f"supervisor.start(Part(name='embed', command=(sys.executable, '-c', {SLEEPER!r})))\n"
        "sys.stdout.write(f'pid={supervisor.pid(chr(101) + chr(109) + chr(98) + chr(101) + chr(100))}\\n')\n"
        "sys.stdout.flush(); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("pid="))
    child = int(line[4:])
    assert alive(child)
    process.kill()
    process.wait()
    assert eventually(lambda: not alive(child))


def test_the_log_shows_no_terminal_codes_of_a_file_name(tmp_path: Path, terminal: io.StringIO) -> None:
    supervisor = Supervisor(Log(tmp_path / "logs", terminal=terminal))
    supervisor.start(sleeper("embed", r"print('bad file \x1b[2J\x07.jpg', flush=True); import time; time.sleep(60)"))
    assert eventually(lambda: ".jpg" in terminal.getvalue())
    supervisor.stop_all()
    assert "\x1b" not in terminal.getvalue()
    assert "\x07" not in terminal.getvalue()
    assert "bad file" in (tmp_path / "logs" / "embed.log").read_text()
    assert "embed   bad file" in (tmp_path / "logs" / "ruiji.log").read_text()


def test_a_listener_left_in_time_wait_does_not_block_the_next_start() -> None:
    with listen("127.0.0.1", 0, exactly=True) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            accepted.close()
    listen("127.0.0.1", port, exactly=True).close()
