"""Side-by-side measurements: each is a command that prints one JSON line and keeps it in bench/results."""
