"""Interface of an installation to commands of monitors as code, and what they send to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Protocol

from vigil.cli.code.documents import as_error
from vigil.cli.errors import CommandError
from vigil.code.core.tree import DocumentError
from vigil.code.load import LoadedFiles, values_of

Shown = dict[str, Any]


#: Why there is no answer of a trial.
TRIAL_GONE = "its answers were not read within five minutes: try it again"


class TrialRefused(CommandError):
    """This one monitor cannot be tried; others may be."""


class ReachedInstallation(Protocol):
    def plan(self, source: LoadedFiles, prune: bool) -> Shown:
        """A new plan of files; raises CommandError with every problem."""
        ...

    def stored_plan(self, public_id: str) -> Shown: ...

    def apply(self, public_id: str) -> Shown: ...

    def export(self, project: str, everything: bool) -> Shown: ...

    def adopt(self, project: str, address: tuple[str, str], public_id: str) -> None: ...

    def adopt_everything(self, project: str) -> list[tuple[str, str]]:
        """What was taken over: places in the document, and ids."""
        ...

    def begin_trial(self, fields: Shown) -> tuple[Shown | None, float]:
        """A trial of an unsaved monitor, as it begins; None and the seconds to wait where too many were begun.

        Raises CommandError, and `TrialRefused` where only this one cannot be tried.
        """
        ...

    def trial(self, public_id: str) -> Shown:
        """A trial as it stands; raises `TrialRefused` where it is over for too long."""
        ...

    @property
    def address(self) -> str:
        """Its address, without a slash at the end."""
        ...


def values_or_refuse(source: LoadedFiles) -> dict[str, str]:
    """Values of all references; raises CommandError that names those without one."""
    try:
        values, problems = values_of(source, os.environ)
    except DocumentError as refused:
        raise as_error(refused.problems) from None
    if problems:
        raise as_error(problems)
    return values


def commit_of(folder: Path) -> str:
    """The commit of a folder, from CI or from git; empty where there is none."""
    for variable in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        if os.environ.get(variable):
            return os.environ[variable][:100]
    try:
        asked = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()[:100] if found.returncode == 0 else ""
