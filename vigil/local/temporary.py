"""Temporary installation in a folder that is removed afterwards: for the demo, benchmarks and tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from vigil.local import log_output
from vigil.local.errors import CannotStart
from vigil.local.folder import DataFolder
from vigil.local.installation import Installation, InstallationOptions
from vigil.local.servers.postgres_binaries import can_enter

#: Kept from the caller's environment; every other VIGIL_* names a real installation.
_KEPT_VARIABLES = ("VIGIL_VENV",)


class Throwaway:
    """Prepared on building, which must happen on the main thread; nothing runs before `installation.start()`.

    Takes every VIGIL_* out of this process's environment and puts its own there, so that an installation that is in
    use can never be touched by mistake. Servers that `wanted.env` names are used. Raises CannotStart.
    """

    def __init__(self, purpose: str, wanted: InstallationOptions, keep: bool = False) -> None:
        self._keep = keep
        foreign = [name for name in os.environ if name.startswith("VIGIL_") and name not in _KEPT_VARIABLES]
        for name in (*foreign, "DJANGO_SETTINGS_MODULE"):
            os.environ.pop(name, None)
        os.environ |= wanted.env
        self.path = Path(tempfile.mkdtemp(prefix=f"vigil-{purpose}-", dir=_roomy_place()))
        try:
            self._folder = DataFolder.claim(self.path)
            self.journal = log_output.to_files(self.path / "logs")
            self.installation = Installation(self._folder, wanted, self.journal)
        except CannotStart:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        os.environ |= self.installation.env
        os.environ["DJANGO_SETTINGS_MODULE"] = "vigil.settings"

    def discard(self) -> None:
        """Remove the folder, unless it is to be kept; call once everything has stopped."""
        self._folder.release()
        if not self._keep:
            shutil.rmtree(self.path, ignore_errors=True)


def _roomy_place() -> str | None:
    """Where the folder may be: root's PostgreSQL runs as another account, which must be able to pass."""
    if os.geteuid() != 0 or can_enter(Path(tempfile.gettempdir())):
        return None
    return "/var/tmp"
