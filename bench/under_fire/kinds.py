"""The faults by their names, each as often as a run draws it."""

from __future__ import annotations

JUMP = "clock jump"
OF_TRAININGS = ("kill training", "stop training")
# What a run draws from, each as often as it stands here, in a new order each round.
KINDS = (
    *("kill web", "kill query", "kill embed", "kill index", "kill broker", "kill index server", "kill everything"),
    *("kill second", "kill second", "kill child", "kill child", "kill child"),
    *("kill at a point", "kill at a point", "error at a point", "error at a point", "hold at a point"),
    *("stop", "stop", "stop", "broker wiped", "broker lost", "disk full", "disk full"),
    *(*OF_TRAININGS, JUMP, JUMP),
)
# And with engines in place of what Ruiji brings, which are not on the small disk, and go by the machine's clock.
SERVERS = ("ledger server", "broker", "index server")
OF_ENGINES = ("kill backend", *(f"{how} {name}" for how in ("kill", "stop") for name in SERVERS))
ENGINE_KINDS = (*(kind for kind in KINDS if kind not in ("disk full", JUMP)), *OF_ENGINES, *OF_ENGINES)
