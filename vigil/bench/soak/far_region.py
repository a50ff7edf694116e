"""Far region: a worker of its own, without a supervisor, whose link to Redis and whose clock can be harmed."""

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
from vigil.bench.report import say
from vigil.bench.soak.lossy_link import Loss, LossyLink
from vigil.bench.soak.stepped_worker import write_offset

_LOOK_S = 1.0


class FarRegion:
    """Enrolled, and its worker kept running; `ends` counts how often it ended by itself."""

    def __init__(self, name: str, environment: Mapping[str, str], place: Path, loss: Loss) -> None:
        self.name = name
        self._redis_url = environment["VIGIL_REDIS_URL"]
        self._path = environment.get("PYTHONPATH", "")
        self._control_keys = control_keys_of(environment["VIGIL_SEAL_KEYS"])
        self._log = place / f"{name}.log"
        self._clock = place / f"{name}.clock"
        self.key, self._public = generate_keypair()
        self.link = LossyLink(urlsplit(self._redis_url).port or 0, loss)
        self.ends = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of its worker, while that runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def enrol(self, domain: str) -> None:
        """Make the region known; Django is set up."""
        from vigil.monitors.live.workers import set_keys
        from vigil.monitors.models import Region

        region = Region(slug=self.name, name=self.name, domain=domain, egress="private")
        set_keys(region, self._public, region_signing_key(self.key).public)
        region.save()

    def step_clock(self, offset_s: float) -> None:
        """Let the worker's clock be so far ahead of the machine's from now on."""
        write_offset(self._clock, offset_s)

    async def run(self) -> None:
        """Keep the worker running until cancelled."""
        await self.link.open()
        self.step_clock(0.0)
        port = urlsplit(self._redis_url).port
        env = {
            "VIGIL_REDIS_URL": self._redis_url.replace(f":{port}/", f":{self.link.port}/"),
            "VIGIL_REGION_KEY": self.key,
            "VIGIL_CONTROL_KEYS": self._control_keys,
            "VIGIL_EGRESS": "private",
            "PYTHONPATH": self._path,
        }
        command = [sys.executable, "-m", "vigil.bench.soak.stepped_worker", str(self._clock), "--region", self.name]
        try:
            with self._log.open("ab") as log:
                while True:
                    if self.pid is None:
                        self._note()
                        self._process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
                    await asyncio.sleep(_LOOK_S)
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self.link.mend()
            with contextlib.suppress(asyncio.CancelledError):
                await self.link.close()

    def _note(self) -> None:
        if self._process is not None:
            self.ends += 1
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            say(f"the worker of {self.name} ended ({self._process.returncode}): {last}")
