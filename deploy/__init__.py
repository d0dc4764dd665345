"""Start, stop and ship Ruiji."""
