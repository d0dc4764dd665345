"""Moves an installation from the engines that it began with to larger ones."""
