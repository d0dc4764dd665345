"""One rank of a training as torchrun starts it; its exit code is written down, for torchrun keeps it to itself.

torchrun … -m worker.part CODE_FILE --plan RUN/plan.json
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from encoder.training.plan import FINISHED, PAUSED, STOPPED_CODE

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Train, and return 0 for every end that was meant; the worker reads the code itself from the file."""
    die_with_torchrun()
    file = Path(arguments[0])
    tell(file, {"pid": os.getpid()})
    from encoder.train import main as train

    code = train(arguments[1:])
    tell(file, {"pid": os.getpid(), "code": code})
    return 0 if code in (FINISHED, PAUSED, STOPPED_CODE) else code


def tell(file: Path, values: dict[str, object]) -> None:
    """Write the file whole or not at all."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(values))
    partial.replace(file)


def die_with_torchrun() -> None:
    """torchrun that is killed must leave no rank behind, which would train on."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
