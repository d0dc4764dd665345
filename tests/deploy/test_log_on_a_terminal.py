"""What a person sees of the parts' lines on a terminal, and what is in the log files alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from deploy.logs import Log
from deploy.supervisor import Supervisor
from tests.deploy.test_parts import eventually, sleeper


class Screen(io.StringIO):
    """A terminal that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("routine", "shown"), [(False, False), (True, True)])
def test_a_person_sees_what_goes_wrong_and_the_files_have_all(tmp_path: Path, routine: bool, shown: bool) -> None:
    screen = Screen()
    log = Log(tmp_path / "logs", terminal=screen, routine=routine)
    supervisor = Supervisor(log)
    said = "print('INFO chunk 1'); print('WARNING slow disk', flush=True); import time; time.sleep(60)"
    supervisor.start(sleeper("embed", said))
    log.say("INFO of our own")
    assert eventually(lambda: "slow disk" in screen.getvalue())
    supervisor.stop_all()
    assert ("chunk 1" in screen.getvalue()) == shown
    assert "INFO of our own" in screen.getvalue()
    for name in ("embed", "ruiji"):
        assert "chunk 1" in (tmp_path / "logs" / f"{name}.log").read_text()
