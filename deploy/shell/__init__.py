"""The bodies of the commands that a person types: what they print, and what they return."""
