"""Three of five regions lose their way to fifteen targets, and find it again.

Meanwhile consensus is killed, and one target fails.

Run by test_lost_way.py as a process of its own. Prints one JSON object: the incidents and when each was told (s).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from typing import Any

import django

from tests.e2e.kills import Target
from tests.waiting import until_awaited
from vigil.demo.stage import SEATS, Stage, source_address
from vigil.demo.story import AlertKind

LOST = ("eu-west", "ap-south", "eu-north")
TARGETS = 15
FAILS = "target 0"
DEADLINE_S = 90.0
#: How long nothing else may be told once the regions are lost.
CALM_S = 12.0


class SeenTarget(Target):
    """A target that resets every connection from some of the regions, or never answers them."""

    blind: frozenset[str] = frozenset()
    hangs = False

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer.get_extra_info("peername")[0] in SeenTarget.blind:
            if self.hangs:
                with contextlib.suppress(OSError):
                    await reader.read()
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            await super()._answer(reader, writer)


def write_monitors(stage: Stage, targets: dict[str, SeenTarget]) -> None:
    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    Channel(
        team=team, name="hook", kind="webhook", config={"url": stage.hook_url}, secrets={"secret": stage.secret}
    ).save()
    regions = list(Region.objects.filter(slug__in=[seat.region for seat in SEATS]))
    for number, (name, target) in enumerate(targets.items()):
        wanted = {
            "name": name,
            "kind": "http",
            "config": {"url": f"http://{target.host}:{target.port}/"},
            "interval_s": 5,
            "timeout_ms": 4_000,
            "sensitivity": "high" if number % 2 == 0 else "normal",
            "regions": regions,
        }
        create_monitor(team, wanted)


def statuses() -> list[str]:
    from django.db import close_old_connections

    from vigil.incidents.models import MonitorState

    close_old_connections()
    return sorted(MonitorState.objects.values_list("status", flat=True))


def incidents() -> list[dict[str, Any]]:
    """Every incident but those about one region or about blindness."""
    from django.db import close_old_connections

    from vigil.incidents.models import Incident

    close_old_connections()
    return [
        {
            "id": row.public_id,
            "kind": row.kind,
            "monitor": row.monitor.name if row.monitor else "",
            "title": row.title,
            "cause": row.cause_key,
            "resolved": row.resolved_at is not None,
        }
        for row in Incident.objects.select_related("monitor").order_by("pk")
    ]


async def told(stage: Stage, monitor: str, kind: AlertKind) -> list[int]:
    """When this was told of a monitor's outage, or of the regions where it is empty."""
    known = {one["id"] for one in await asyncio.to_thread(incidents) if one["monitor"] == monitor}
    return [alert.at_ms for alert in await stage.alerts() if alert.dedup_key in known and alert.kind is kind]


async def play(stage: Stage, targets: dict[str, SeenTarget]) -> dict[str, Any]:
    await asyncio.to_thread(write_monitors, stage, targets)

    async def all_up() -> bool:
        return await asyncio.to_thread(statuses) == ["up"] * TARGETS

    async def wait_told(what: str, monitor: str, kind: AlertKind) -> float:
        begun_ms = time.time_ns() // 1_000_000
        await until_awaited(lambda: told(stage, monitor, kind), what, DEADLINE_S)
        return round(((await told(stage, monitor, kind))[0] - begun_ms) / 1000, 2)

    await until_awaited(all_up, "all monitors to be up", DEADLINE_S)
    SeenTarget.blind = frozenset(source_address(seat) for seat in SEATS if seat.region in LOST)
    told_s = {"lost": await wait_told("the incident of the regions", "", AlertKind.TRIGGER)}
    os.kill(stage.installation.supervisor.pid("consensus"), signal.SIGKILL)
    await asyncio.sleep(CALM_S)
    lost_only = await asyncio.to_thread(incidents)
    statuses_lost = await asyncio.to_thread(statuses)
    targets[FAILS].close()
    told_s["outage"] = await wait_told("the outage", FAILS, AlertKind.TRIGGER)
    SeenTarget.blind = frozenset()
    told_s["found"] = await wait_told("the end of the incident of the regions", "", AlertKind.RESOLVE)
    return {
        "told_s": told_s,
        "while_lost": lost_only,
        "statuses_while_lost": statuses_lost,
        "incidents": await asyncio.to_thread(incidents),
        "alerts": len(await stage.alerts()),
    }


async def main() -> dict[str, Any]:
    stage = Stage()
    targets = {f"target {number}": SeenTarget(f"127.0.2.{number + 1}") for number in range(TARGETS)}
    try:
        for number, target in enumerate(targets.values()):
            target.hangs = number % 3 == 1
            await target.open()
        await stage.open()
        await asyncio.to_thread(django.setup)
        return await play(stage, targets)
    finally:
        for target in targets.values():
            target.close()
        await stage.close()


if __name__ == "__main__":
    outcome = asyncio.run(main())
    sys.stdout.write(json.dumps(outcome) + "\n")
