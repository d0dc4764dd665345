"""The workers: is there one for each queue, do they live, and are they of one kind with the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.encoders import Encoder, serving_encoder
from catalog.figures import FORGOTTEN_AFTER_S
from catalog.installation import VERSION, installed_version
from catalog.ledger import Ledger
from catalog.workers import WorkerRow, list_workers
from deploy.checkup.finding import AHEAD_WARNING_S, Finding, clock
from worker.identity import code_version
from worker.presence import ALIVE_WITHIN_S

NEEDED = ("query", "embed", "index")


def look(ledger: Ledger, *, broker: bool) -> Iterator[Finding]:
    """All that is to be said; without a broker none can be there."""
    installed = installed_version(ledger)
    if installed is not None and installed != VERSION:
        yield Finding(
            "version", "wrong", f"this is Ruiji {VERSION}, the installation {installed}: workers of this take no work",
            f"bring this machine to {installed}, or the installation to {VERSION} with `python -m deploy.prepare`",
        )  # fmt: skip
    serving = serving_encoder(ledger)
    if serving is None:
        yield Finding("encoder", "wrong", "none serves", "start `ruiji up` once")
    else:
        yield Finding("encoder", "ok", f"{serving.name} ({serving.id[:12]})")
    if not broker:
        return
    alive = list_workers(ledger, alive_within_s=ALIVE_WITHIN_S)
    queues = {queue for row in alive for queue in row.queues.split(",")}
    for queue in NEEDED:
        do = "" if queue in queues else f"start one: `ruiji up`, or `ruiji worker --queues {queue}`"
        count = sum(queue in row.queues.split(",") for row in alive)
        found = f"{count} alive" if count else "none is alive"
        yield Finding(f"{queue} worker", "ok" if count else "wrong", found, do)
    silent = {row.name for row in list_workers(ledger, alive_within_s=FORGOTTEN_AFTER_S)} - {row.name for row in alive}
    for name in sorted(silent):
        do = "look at its log, or at its machine; what it had claimed goes to others"
        yield Finding(f"worker {name}", "warning", f"silent for more than {ALIVE_WITHIN_S:.0f} s", do)
    yield from odd(alive, serving)


def odd(rows: Iterable[WorkerRow], serving: Encoder | None) -> Iterator[Finding]:
    """Workers that differ from this code, from the encoder that serves, or whose machine has another time."""
    for row in rows:
        name = f"worker {row.name}"
        if row.version is not None and row.version != code_version():
            found = f"runs {row.version}, here is {code_version()}"
            other = row.version.partition("+")[0] != VERSION
            yield Finding(name, "wrong" if other else "warning", found, "bring all machines to one version")
        embeds = row.queues == "query" and row.encoder_id is not None and serving is not None
        if embeds and serving is not None and row.encoder_id != serving.id:
            found = f"answers with the encoder {str(row.encoder_id)[:12]}, {serving.id[:12]} serves"
            yield Finding(name, "warning", found, "some seconds after a switch that is right; later, see its log")
        if row.clock_ahead_s is not None and abs(row.clock_ahead_s) > AHEAD_WARNING_S:
            yield clock(f"clock of {row.host} and the ledger", row.clock_ahead_s)
