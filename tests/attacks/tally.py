"""How often each group of attacks was made and got through: added up over the run, printed, published when asked."""

from __future__ import annotations

import os
from collections import Counter

# Read when the tests are collected: afterwards no variable of a person's is left that could be a setting.
TIMES = max(1, int(os.environ.get("RUIJI_ATTACKS", "1")))
PUBLISHED = os.environ.get("RUIJI_ATTACKS_PUBLISH") == "1"
COMMAND = f"RUIJI_ATTACKS={TIMES} RUIJI_ATTACKS_PUBLISH=1 pytest tests/attacks -s"


class Tally(Counter[str]):
    """Figures by name; what was attacked stands beside what it came to."""

    def largest(self, name: str, value: int) -> None:
        """Keep the largest."""
        self[name] = max(self[name], value)
