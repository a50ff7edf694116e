"""File that says that a process is up and its loops turn: its age is what a liveness probe looks at."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def touch() -> None:
    """Make the file that VIGIL_ALIVE_FILE names, or renew its time; that it cannot be written is no reason to end."""
    named = os.environ.get("VIGIL_ALIVE_FILE", "")
    if os.path.isabs(named):
        with contextlib.suppress(OSError):
            Path(named).touch()
