"""What can be wrong with what a training was given."""

from __future__ import annotations


class NoTraining(Exception):
    """A training cannot begin or go on; the message names the folder, file or value and the remedy."""
