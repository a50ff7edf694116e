"""The program's name: `manage.py` in a source checkout, `vigil` where it is installed."""

from __future__ import annotations

from vigil.local.folder import CHECKOUT

PROGRAM = "manage.py" if CHECKOUT else "vigil"


def as_called(text: str) -> str:
    """The text with the commands in it as they are typed here; texts are written for a checkout."""
    return text if CHECKOUT else text.replace("python3 manage.py", PROGRAM).replace("manage.py", PROGRAM)
