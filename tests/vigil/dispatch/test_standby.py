"""Two real dispatchers: one leads, and when it is killed the other sends what is due within 15 s, without a herd."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from probes.wire import Lane
from tests.vigil.dispatch.test_service import REGIONS, Floor
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.local.servers import ports
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

CHECKOUT = Path(__file__).resolve().parents[3]
TAKES_OVER_WITHIN_S = 15.0
MONITORS, INTERVAL_S = 30, 5


class Dispatch:
    """A dispatch process of its own, and what its health says."""

    def __init__(self) -> None:
        self.port = ports.take_free_port()
        server = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0]
        env = {
            **os.environ,
            "VIGIL_DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
            "VIGIL_HEALTH_PORT": str(self.port),
            "PYTHONPATH": str(CHECKOUT),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vigil.cli", "dispatch"],
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def leads(self) -> bool | None:
        """None while it does not say."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                facts = json.load(answer)["facts"]
        except OSError:
            return None
        leading: bool | None = facts.get("leading")
        return leading

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def pair(redis_url: str) -> Iterator[tuple[Dispatch, Dispatch]]:
    regions = [Region.objects.create(slug=slug, domain=domain) for slug, domain in REGIONS.items()]
    for number in range(MONITORS):
        wanted = {
            "name": f"monitor {number}",
            "kind": "http",
            "config": {"url": f"http://example.test/{number}"},
            "interval_s": INTERVAL_S,
            "timeout_ms": 1000,
            "regions": regions,
        }
        create_monitor(default_team(), wanted)
    dispatchers = (Dispatch(), Dispatch())
    yield dispatchers
    for dispatcher in dispatchers:
        dispatcher.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_6_a_standby_takes_over_from_a_dispatcher_that_is_killed_or_stopped(
    pair: tuple[Dispatch, Dispatch], redis_url: str, how: signal.Signals
) -> None:
    floor = Floor(redis_url)
    floor.live()
    until(lambda: {dispatcher.leads for dispatcher in pair} == {True, False}, within_s=60)
    leader, standby = pair if pair[0].leads else (pair[1], pair[0])
    until(lambda: bool(scheduled(floor)), within_s=20)

    leader.process.send_signal(how)
    scheduled(floor)
    killed_s = time.monotonic()
    slots: Counter[int] = Counter()

    def resumed() -> bool:
        floor.live()
        slots.update(scheduled(floor))
        return bool(slots)

    until(resumed, "the standby", within_s=TAKES_OVER_WITHIN_S + 15)
    assert time.monotonic() - killed_s <= TAKES_OVER_WITHIN_S
    until(lambda: standby.leads is True)
    # What fell due while no dispatcher led is not sent all at once: a second has what a second always has.
    until(lambda: resumed() and len(slots) > INTERVAL_S, within_s=20)
    assert max(slots.values()) <= MONITORS * len(REGIONS)
    assert min(slots) * 1000 >= floor.now_ms() - (INTERVAL_S + 15) * 1000


def scheduled(floor: Floor) -> Counter[int]:
    """How many scheduled checks wait for the regions, by the second they are due in; they are taken out."""
    batches = [batch for region in REGIONS for batch in floor.batches(region, Lane.SCHEDULED)]
    return Counter(check.at_ms // 1000 for batch in batches for check in batch.checks)
