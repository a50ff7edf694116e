"""Far region: a worker of its own, without a supervisor, whose link to Redis loses a share of what passes it."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from probes.seal import generate_keypair
from probes.signing.private_keys import control_keys_of, region_signing_key
from vigil.bench.chaos.lossy_link import Loss, LossyLink
from vigil.bench.report import say

NAME = "far"
_LOOK_S = 1.0


class FarRegion:
    """Enrolled, and its worker kept running; `ends` counts how often it ended by itself."""

    def __init__(self, environment: Mapping[str, str], place: Path, loss: Loss) -> None:
        self._redis_url = environment["VIGIL_REDIS_URL"]
        self._path = environment.get("PYTHONPATH", "")
        self._control_keys = control_keys_of(environment["VIGIL_SEAL_KEYS"])
        self._log = place / "far.log"
        self._key, self._public = generate_keypair()
        self.link = LossyLink(urlsplit(self._redis_url).port or 0, loss)
        self.ends = 0

    def enrol(self) -> None:
        """Make the region known; Django is set up."""
        from vigil.monitors.live.workers import set_keys
        from vigil.monitors.models import Region

        region = Region(slug=NAME, name=NAME, domain=NAME, egress="private")
        set_keys(region, self._public, region_signing_key(self._key).public)
        region.save()

    async def run(self) -> None:
        """Keep the worker running until cancelled."""
        await self.link.open()
        port = urlsplit(self._redis_url).port
        env = {
            "VIGIL_REDIS_URL": self._redis_url.replace(f":{port}/", f":{self.link.port}/"),
            "VIGIL_REGION_KEY": self._key,
            "VIGIL_CONTROL_KEYS": self._control_keys,
            "VIGIL_EGRESS": "private",
            "PYTHONPATH": self._path,
        }
        process: subprocess.Popen[bytes] | None = None
        try:
            with self._log.open("ab") as log:
                while True:
                    if process is None or process.poll() is not None:
                        self._note(process)
                        command = [sys.executable, "-m", "probes", "--region", NAME]
                        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
                    await asyncio.sleep(_LOOK_S)
        finally:
            if process is not None:
                process.kill()
                process.wait()
            with contextlib.suppress(asyncio.CancelledError):
                await self.link.close()

    def _note(self, ended: subprocess.Popen[bytes] | None) -> None:
        if ended is not None:
            self.ends += 1
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            say(f"the far worker ended ({ended.returncode}): {last}")
