"""What a benchmark starts is told of its end, by what was looked up before the fork."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys

import pytest

from bench.starting import die_with_us

TOLD = """
import ctypes
number = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(number))  # PR_GET_PDEATHSIG
print(number.value)
"""


def test_the_process_has_its_signal_and_nothing_is_loaded_after_the_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    before_exec = die_with_us(signal.SIGTERM)

    def late(*_: object) -> None:
        raise AssertionError("a library is loaded after the fork")

    monkeypatch.setattr(ctypes, "CDLL", late)
    done = subprocess.run([sys.executable, "-c", TOLD], preexec_fn=before_exec, capture_output=True, text=True)
    assert done.stdout.strip() == str(int(signal.SIGTERM)), done.stderr
