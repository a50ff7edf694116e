"""The error of a command that a person can mend."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot do what it was asked; the message is one clear line that says what to do."""
