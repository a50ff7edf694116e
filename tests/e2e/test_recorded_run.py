"""The Redis user of a region may send what a real worker sent in a recorded run through its life, and nothing else."""

from __future__ import annotations

import fnmatch
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from probes import keys, wire
from tests.e2e.recording_proxy import RecordingProxy
from tests.e2e.region_under_acl import REGION, Region, example_server
from tests.streams import entries
from tests.waiting import until
from vigil.enrolment.core.redis_users import region_rules
from vigil.local.servers.redis import LocalRedis

#: Commands without a key.
KEYLESS = {"hello", "ping", "time", "info|server", "multi", "exec"}


class Run:
    """A worker whose commands are recorded, and what happens to it."""

    def __init__(self, server: LocalRedis, folder: Path, admin: Redis) -> None:
        self._admin = admin
        self._target_port = server.port
        self.proxy = RecordingProxy(server.port)
        self._region = Region(server, folder, self.proxy.port)

    def live(self) -> None:
        """Connect, take orders, report, put a key right, keep a result while Redis is away, and stop twice."""
        with self._region.running() as worker:
            for lane in wire.Lane:
                self._region.check(lane)
            self._write_over_a_key()
            self._keep_a_result()
            worker.terminate()
            assert worker.wait(20) == 0
        with self._region.running() as worker:
            self._region.check(wire.Lane.CONFIRM)
            self._give_an_order_back(worker)

    def _write_over_a_key(self) -> None:
        self._admin.delete(keys.latest(REGION))
        self._admin.set(keys.latest(REGION), "of another kind")
        self._region.order(wire.Lane.CONFIRM)
        until(lambda: self._admin.type(keys.latest(REGION)) == b"hash", within_s=30)

    def _keep_a_result(self) -> None:
        """A check that ends while Redis is out of reach: its result is forwarded later."""
        target = RecordingProxy(self._target_port)
        target.hold()
        monitor = self._region.order(wire.Lane.SCHEDULED, target.port)
        until(target.commands, within_s=10)
        self.proxy.cut()
        target.release()
        threading.Event().wait(1.0)
        assert not self._has_result(monitor)
        self.proxy.mend()
        until(lambda: self._has_result(monitor), within_s=30)
        target.close()

    def _has_result(self, monitor: str) -> bool:
        return any(monitor.encode() in fields[keys.BODY] for _, fields in entries(self._admin, keys.results(REGION)))

    def _give_an_order_back(self, worker: subprocess.Popen[bytes]) -> None:
        """An order that the worker has asked for, and that reaches it after it was told to stop."""
        queue = keys.celery_prefix(REGION) + keys.queue(REGION, wire.Lane.SCHEDULED)
        self.proxy.hold()
        self._region.order(wire.Lane.SCHEDULED)
        until(lambda: self._admin.llen(queue) == 0, within_s=10)
        worker.terminate()
        threading.Timer(1.0, self.proxy.release).start()
        assert worker.wait(20) == 0
        assert self._admin.llen(queue) == 1


def told(command: list[bytes]) -> str:
    """A command as a list of rights names it."""
    first = command[0].decode().lower()
    return f"{first}|{command[1].decode().lower()}" if first in ("info", "xinfo") else first


def keys_of(admin: Any, command: list[bytes]) -> set[str]:
    if told(command) in KEYLESS:
        return set()
    return set(admin.command_getkeys(*command))


@pytest.mark.timeout(240)
def test_s03_a_region_may_do_what_a_recorded_run_did_and_nothing_else(tmp_path: Path) -> None:
    rules = region_rules(REGION, "p").split()
    with example_server(tmp_path) as server, Redis.from_url(server.url) as admin:
        run = Run(server, tmp_path, admin)
        try:
            run.live()
        finally:
            run.proxy.close()
        commands = run.proxy.commands()
        assert {told(one) for one in commands} == {rule[1:] for rule in rules if rule.startswith("+")}
        met = {name for one in commands for name in keys_of(admin, one)}
    patterns = {rule[1:] for rule in rules if rule.startswith("~")}
    assert {name for name in met if not any(fnmatch.fnmatchcase(name, one) for one in patterns)} == set()
    assert {one for one in patterns if not fnmatch.filter(met, one)} == set(), "rights that no worker needs"
