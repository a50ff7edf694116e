"""The error of starting an installation on this machine."""

from __future__ import annotations


class CannotStart(Exception):
    """Something on this machine stands in the way; the message is one line that says what to do."""
