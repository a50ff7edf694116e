"""Lengths of time as people write them in commands: 90s, 20m, 2h, 7d."""

from __future__ import annotations

import re

from vigil.cli.errors import CommandError

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds(length: str) -> int:
    """The length in seconds; raises CommandError that says how one is written."""
    read = re.fullmatch(r"(\d{1,9})([smhd])", length)
    if read is None:
        raise CommandError(f"{length!r} is not a length of time: write 90s, 20m, 2h or 7d")
    return int(read[1]) * _UNITS[read[2]]
