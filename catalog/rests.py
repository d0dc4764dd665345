"""How long work that could not be done is left alone: all rests that are written into the ledger as a lease's end."""

from __future__ import annotations

SCAN_S = 10.0
# Longer than the first rest of its encoder in the worker: then the other chunks come first, whosever fault it was.
CHUNK_S = 20.0
# A shard that cannot be used: a disk may have been mounted meanwhile, or a repair been made.
SHARD_S = 900.0

LONGEST_S = max(SCAN_S, CHUNK_S, SHARD_S)
