"""A member's hold on its place in a gang: renewed from a thread, and given up by its own clock when it cannot be."""

from __future__ import annotations

import time
from functools import partial

from catalog import gangs
from catalog.gangs import GangStatus, Member
from catalog.ledger import Ledger
from worker.leases import LeaseKeeper

# Of a lease that could not be renewed, after which the work is stopped: before the others may take it to be free.
GIVEN_UP_AFTER = 0.8


class Hold(LeaseKeeper[GangStatus]):
    """What a member has to do now, as the ledger says it, or `lost` once the ledger was silent for most of a lease."""

    def __init__(self, ledger: Ledger, member: Member, *, lease_s: float) -> None:
        self._beat = partial(gangs.beat, ledger, member, lease_s=lease_s)
        self._given_up_after = GIVEN_UP_AFTER * lease_s
        self._renewed = time.monotonic()
        super().__init__(self._renewal, lease_s=lease_s, first="go")

    def now(self) -> GangStatus:
        """The status; read it between two steps of the work."""
        if self.status == "go" and time.monotonic() - self._renewed > self._given_up_after:
            return "lost"
        return self.status

    def _renewal(self) -> GangStatus:
        asked = time.monotonic()
        status = self._beat()
        self._renewed = asked
        return status
