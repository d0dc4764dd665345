"""The whole Ruiji that tests start; it is the one that `ruiji bench faults` fights."""

from __future__ import annotations

from bench.ports import free_port
from bench.record import ROOT
from bench.stack import RUIJI, Answer, Stack, StackError

__all__ = ["ROOT", "RUIJI", "Answer", "Stack", "StackError", "free_port"]
