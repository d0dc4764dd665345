"""A training run: its plan, its loop, its checkpoints, and how it stops and goes on."""
