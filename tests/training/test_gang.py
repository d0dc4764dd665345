"""A run of two ranks that torchrun brings together: on two hosts that only a network joins, and on one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import pytest
from sqlalchemy import select

from catalog import tables
from catalog.runs import curve, get_run
from tests.hosts import Host, NoHosts, hosts_joined
from tests.training.conftest import Trainers


def test_two_hosts_train_together_and_a_lost_rank_is_replaced_on_one(trainers: Trainers) -> None:
    refused = ""
    with contextlib.ExitStack() as stack:
        try:
            hosts = stack.enter_context(hosts_joined("a", "b"))
        except NoHosts as error:
            refused, hosts = str(error), (Host("", "127.0.0.1"), Host("", "127.0.0.1"))
        stack.callback(trainers.close)
        one, other = (trainers.start(before=host.through, RUIJI_TRAIN_ADDRESS=host.address) for host in hosts)
        run = trainers.ask(epochs=400, ranks=2)
        both = trainers.wait(run, lambda found: found.done >= 1)
        assert both.members == 2
        assert members(trainers, run) == [(0, hosts[0].address), (1, hosts[1].address)] or members(trainers, run) == [
            (0, hosts[1].address),
            (1, hosts[0].address),
        ]
        if not refused:
            assert_apart(hosts)

        os.kill(other.pid, signal.SIGKILL)
        trainers.wait(run, lambda found: found.members == 0)
        trainers.wait_gone(run)
        kept, before = get_run(trainers.ledger, run), curve(trainers.ledger, run)
        third = trainers.start(before=hosts[0].through, RUIJI_TRAIN_ADDRESS=hosts[0].address)
        again = trainers.wait(run, lambda found: found.done > kept.done and found.attempts == 0)
        assert (again.gang, again.members) == (kept.gang + 1, 2)
        assert members(trainers, run) == [(0, hosts[0].address), (1, hosts[0].address)]
        after = curve(trainers.ledger, run)
        assert [epoch.epoch for epoch in after] == list(range(1, len(after) + 1))
        assert [epoch.loss for epoch in after[: len(before)]] == [epoch.loss for epoch in before]

        for worker in (one, third):
            worker.terminate()
        assert [worker.wait(timeout=120) for worker in (one, third)] == [0, 0]
        trainers.wait_gone(run)
        told = get_run(trainers.ledger, run)
        assert (told.state, told.members, told.attempts, told.error) == ("running", 0, 0, None), "it is not to blame"
    if refused:
        pytest.skip(f"both ranks were on one host: two need network namespaces, which this machine refuses: {refused}")


def members(trainers: Trainers, run: int) -> list[tuple[int, str]]:
    """Rank and address of each worker that trains the run."""
    trainer = tables.trainer
    query = select(trainer.c.rank, trainer.c.address).where(trainer.c.run_id == run).order_by(trainer.c.rank)
    with trainers.ledger.read() as connection:
        return [(row.rank, row.address) for row in connection.execute(query)]


def assert_apart(hosts: tuple[Host, ...]) -> None:
    """The hosts have nothing in common but the wire between them."""
    for host in hosts:
        shown = subprocess.run([*host.through, "ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True)
        assert [line.split()[3] for line in shown.stdout.splitlines()] == ["127.0.0.1/8", f"{host.address}/24"]
