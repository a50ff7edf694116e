"""Installation under test: its own `up` in a temporary folder, whose processes are found and harmed by name."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from redis import Redis, RedisError

from vigil.bench.report import say
from vigil.bench.soak.stepped_worker import write_offset
from vigil.cli.errors import CommandError
from vigil.local.environments import Addresses, control_env
from vigil.local.folder import CHECKOUT, read_secrets, read_state
from vigil.local.servers.ports import LOOPBACK

_END_S = 15.0
_PROC = Path("/proc")
_DISK = "size=1200m,mode=711"
_FILLING = "filling"
_STEPPING = """from pathlib import Path

from vigil.bench.soak.stepped_worker import step_clock

step_clock(Path({file!r}))
"""


class HarmedInstallation:
    """`up` as a process; `start` it again after it was killed. Close it in the end."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="vigil-soak-"))
        self.place.chmod(0o711)
        #: Whether the folder is a disk of its own, which can be filled.
        self.has_own_disk = _mounted(self.place)
        self.data = self.place / "data"
        self.said: dict[str, Any] = {}
        self.starts_failed = 0
        self.start_s: list[float] = []
        self._process: subprocess.Popen[str] | None = None
        self._clock = self.place / "control-plane.clock"
        self.step_clock(0.0)
        self._stepping = self.place / "stepping"
        self._stepping.mkdir()
        # Python imports a module of this name at its start: so does each process of `up`.
        (self._stepping / "sitecustomize.py").write_text(_STEPPING.format(file=str(self._clock)))

    def step_clock(self, offset_s: float) -> None:
        """Let the clock of all processes of `up` that are in Python be so far ahead of the machine's from now on."""
        write_offset(self._clock, offset_s)

    def start(self) -> None:
        """Start `up`, and wait until it is ready; one that fails is counted and tried again."""
        for _ in range(3):
            began_s = time.monotonic()
            command = [sys.executable, "-m", "vigil.cli", "up", "--json", "--data-dir", str(self.data)]
            env = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
            env |= {"PYTHONPATH": os.pathsep.join(map(str, filter(None, [CHECKOUT, self._stepping])))}
            with (self.place / "up.err").open("a") as errors:
                self._process = subprocess.Popen(
                    command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
                )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if line:
                self.said = json.loads(line)
                self.start_s.append(time.monotonic() - began_s)
                return
            self.starts_failed += 1
            say(f"a start of `up` failed: {(self.place / 'up.err').read_text()[-300:]}")
            self._end_process()
        raise CommandError("`up` does not start")

    def environment(self) -> dict[str, str]:
        """What a process of its control plane finds in its environment."""
        state, secrets = read_state(self.data), read_secrets(self.data)
        assert secrets is not None, "it has been started"
        addresses = Addresses(
            database_url=f"postgresql://vigil:{secrets.database_password}@{LOOPBACK}:{state.postgres_port}/vigil",
            redis_url=f"redis://:{secrets.redis_password}@{LOOPBACK}:{state.redis_port}/0",
            base_url=state.address,
            web_port=state.web_port,
        )
        return control_env(addresses, secrets, self.data)

    def pids(self) -> dict[str, int]:
        """The processes of `up` now, by name."""
        state, found = read_state(self.data), {}
        for pid in _children(self._process.pid if self._process is not None else 0):
            with contextlib.suppress(OSError):
                name, shown = ((_PROC / str(pid) / part).read_text().strip() for part in ("comm", "cmdline"))
                if name == "redis-server":
                    name = "ping-log" if str(state.ping_redis_port) in shown else "redis"
                elif "\0-m\0consensus\0" in f"{shown}\0":
                    name = "consensus"
                found[name] = pid
        return {name: pid for name, pid in found.items() if not name.startswith("python")}

    def kill_all(self) -> None:
        """Kill `up`, and with it all below it, and start it again."""
        self._end_process()
        self.start()

    def flush(self) -> None:
        """Take from Redis all it has. One that is away now has nothing to lose."""
        with contextlib.suppress(RedisError), Redis.from_url(self.environment()["VIGIL_REDIS_URL"]) as client:
            client.flushall()

    def fill_disk(self) -> None:
        """Fill the disk of the installation to its last byte; `free_disk` ends it."""
        with contextlib.suppress(OSError), (self.place / _FILLING).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1_000_000))

    def free_disk(self) -> None:
        (self.place / _FILLING).unlink(missing_ok=True)

    def keep_logs(self, folder: Path) -> None:
        """Copy what all its processes wrote."""
        shutil.copytree(self.data / "logs", folder, dirs_exist_ok=True)
        for file in self.place.glob("*.log"):
            shutil.copy2(file, folder)
        shutil.copy2(self.place / "up.err", folder)

    def close(self) -> None:
        """End `up` and all below it, which dies with it, and remove everything."""
        below = list(self.pids().values())
        self._end_process()
        until_s = time.monotonic() + _END_S
        while any((_PROC / str(pid)).exists() for pid in below) and time.monotonic() < until_s:
            time.sleep(0.1)
        if self.has_own_disk:
            subprocess.run(["umount", "--lazy", str(self.place)], check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()


def _mounted(place: Path) -> bool:
    """Make the folder a disk of its own, where we may."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", _DISK, "vigil-soak", str(place)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]
    except OSError:
        return []
