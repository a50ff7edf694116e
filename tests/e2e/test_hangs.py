"""A process of `up` that hangs is started again, whichever it is and however it hangs, also on a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from probes import keys
from probes.process.liveness import PARTS
from tests.e2e.up import CHECKOUT, Up
from tests.waiting import until

pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(240)]

#: What a process is called in its health, and the file of its log.
PROCESSES = {name: name for name in ("dispatch", "consensus", "ingest", "deliver", "record", "heartbeats", "witness")}
PROCESSES |= {"ping": "ping", "web": "web", "probe-local-1": "worker-local-1"}
#: Imported by every Python of the installation: a loop whose process is named by a file never returns from its turn.
PLANTED = """
import functools, pathlib, sys
from probes.process import health
from probes.process.watch import standstill, watchdog
hangs = pathlib.Path({hangs!r})
turned = health.Health.turned
def hang(self, loop):
    turned(self, loop)
    if self.is_ready and (hangs / self.process).exists():
        (hangs / self.process).unlink(missing_ok=True)
        while True:
            pass
health.Health.turned = hang
watchdog.StandstillLimits = functools.partial(standstill.StandstillLimits, spin_cpu_s=1.0)
"""


@pytest.fixture
def data() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="vigil-hangs-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    (data / "planted").mkdir()
    (data / "hangs").mkdir()
    (data / "planted" / "sitecustomize.py").write_text(PLANTED.format(hangs=str(data / "hangs")))
    running = Up(data, "--regions", "1", env={"PYTHONPATH": f"{data / 'planted'}{os.pathsep}{CHECKOUT}"})
    yield running
    assert running.stop() == 0


def test_every_process_that_hangs_is_started_again_also_while_no_log_can_be_written(up: Up, data: Path) -> None:
    logs = data / "logs"
    for process in PROCESSES:
        (data / "hangs" / process).touch()

    def stood_still() -> set[str]:
        written = {path.stem: path.read_text() for path in logs.iterdir()}
        return {name for name, log in PROCESSES.items() if "process.stands_still" in written.get(log, "")}

    until(lambda: stood_still() == set(PROCESSES), "every process to end itself", 90)
    began = marks(data)
    until(lambda: turns_of(marks(data), began) == set(PARTS), "the loops to turn again", 60)

    for log in logs.iterdir():
        log.unlink()
        log.symlink_to("/dev/full")
    for pid in up.pids:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: not any(map(is_stopped, up.pids)), "none to be stopped any more", 30)
    began = marks(data)
    until(lambda: turns_of(marks(data), began) == set(PARTS), "the loops to turn again", 60)


def marks(data: Path) -> dict[str, bytes]:
    """The marks that the loops of the control plane write into Redis."""
    settings = dict(line.split(" ", 1) for line in (data / "redis" / "redis.conf").read_text().splitlines())
    with Redis(port=int(settings["port"]), password=settings["requirepass"]) as admin:
        return {name.decode(): mark for name, mark in admin.hgetall(keys.ALIVE).items()}


def turns_of(now: dict[str, bytes], began: dict[str, bytes]) -> set[str]:
    return {part for part, mark in now.items() if mark != began.get(part)}


def is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    except OSError:
        return False
