"""Fails Redis over by Sentinel in outages of targets, and tells what came of it.

Run by test_failovers.py as a process of its own, since it has an installation of its own. Prints one JSON object:
{"outages": target -> {"triggers", "incidents", "votes", "delay_s"}, "ended": servers that have forgotten a region that
was ended, "refused": commands that a region's login may not send to a Sentinel, "releases": servers and Sentinels that
tell theirs}.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import django
from redis import Redis

from probes import keys
from probes.process.connections.address import parse_redis_url
from tests.e2e.kills import Target, incident_counts, statuses, told, write_monitors
from tests.e2e.sentinel_servers import SentinelServers
from tests.waiting import until, until_awaited
from vigil.demo.stage import SEATS, Stage
from vigil.demo.story import AlertKind
from vigil.local.installation import InstallationOptions
from vigil.local.processes import LocalRegion

#: What happens to Redis in the outage of the target of the same name.
BEFORE, KILLED, AFTER, HANDED_OVER = "down before", "primary killed", "down after", "handed over"
OUTAGES = (BEFORE, KILLED, AFTER, HANDED_OVER)
#: Regions in three domains.
REGIONS = ("us-east", "ap-south", "us-west")
DEADLINE_S = 90.0


def password(region: str) -> str:
    return f"of-{region}-not-secret"


def wanted(servers: SentinelServers) -> InstallationOptions:
    """Regions whose workers log in as users of their own, at the servers and at the Sentinels."""
    address = parse_redis_url(servers.regions_url)
    seats = [seat for seat in SEATS if seat.region in REGIONS]
    regions = [
        LocalRegion(
            seat.region,
            seat.domain,
            env={
                "VIGIL_REDIS_URL": address.for_user(keys.user(seat.region), password(seat.region)),
                "VIGIL_REDIS_CA": servers.authority,
            },
        )
        for seat in seats
    ]
    return InstallationOptions(tuple(regions), env=servers.environment())


def make_users() -> None:
    """Make the regions' users as enrolment does: on all servers."""
    django.setup()
    from vigil.enrolment.redis_access import Management, set_user

    for region in REGIONS:
        assert set_user(region, [password(region)]) is Management.MANAGED


def keep_users() -> None:
    """Note them as enrolment does: the keeper in dispatch makes them again from these rows."""
    from vigil.enrolment.models import RedisAccess
    from vigil.monitors.models import Region

    for region in Region.objects.filter(slug__in=REGIONS):
        RedisAccess.objects.create(region=region, password=password(region.slug))


def knows(admin: Redis, region: str) -> bool:
    """Whether a server knows a region's user."""
    with admin as client:
        return keys.user(region).encode() in client.execute_command("ACL", "USERS")


class Failovers:
    """The scene: servers, installation and targets."""

    def __init__(self, servers: SentinelServers, stage: Stage, targets: dict[str, Target]) -> None:
        self._servers = servers
        self._stage = stage
        self._targets = targets
        self._down_ms: dict[str, int] = {}

    async def play(self) -> dict[str, object]:
        monitors = await asyncio.to_thread(write_monitors, self._stage, self._targets)

        async def all_up() -> bool:
            return await asyncio.to_thread(statuses) == {"up"}

        await until_awaited(all_up, "all monitors to be up", DEADLINE_S)
        old = await asyncio.to_thread(self._servers.primary)
        self._fail(BEFORE)
        await asyncio.sleep(1)
        await asyncio.to_thread(self._servers.kill, old)
        self._fail(KILLED)
        await self._triggered(KILLED)
        await asyncio.to_thread(self._back, old)
        self._fail(AFTER)
        await self._triggered(AFTER)
        await asyncio.to_thread(self._servers.fail_over)
        self._fail(HANDED_OVER)
        await self._triggered(HANDED_OVER)
        await self._triggered(BEFORE)
        counts = await asyncio.to_thread(incident_counts, monitors)
        alerts = await self._stage.alerts()
        first_ms = {alert.monitor: alert.at_ms for alert in reversed(alerts) if alert.kind is AlertKind.TRIGGER}
        outages = {
            name: told(alerts, name, counts[name])
            | {"delay_s": round((first_ms[name] - self._down_ms[name]) / 1000, 1)}
            for name in OUTAGES
        }
        ended, refused = await asyncio.to_thread(self._ended), await asyncio.to_thread(self._servers.refused_to_regions)
        releases = await asyncio.to_thread(self._releases)
        return {"outages": outages, "ended": ended, "refused": refused, "releases": releases}

    def _releases(self) -> int:
        """Servers and Sentinels whose release is looked at, where they are not on this machine."""
        from vigil.monitors.live import servers

        servers.is_this_machine = lambda host: False
        return len(servers.servers_elsewhere())

    def _ended(self) -> int:
        """Revoke a region, and count the servers that have no user of it any more."""
        from vigil.enrolment.ending import revoke
        from vigil.enrolment.redis_access import Management
        from vigil.monitors.models import Region

        assert revoke(Region.objects.get(slug=REGIONS[0])) is Management.MANAGED

        def count() -> int:
            return sum(not knows(self._servers.admin(number), REGIONS[0]) for number in range(3))

        # Who keeps the users may have read the rows before.
        until(lambda: count() == 3, "the user to be gone from every server", DEADLINE_S)
        return count()

    def _back(self, old: int) -> None:
        """The old primary comes back: as a replica, with the regions' users although it had forgotten them."""
        self._servers.start_server(old)
        until(lambda: self._servers.is_replica(old), "the old primary to be a replica", DEADLINE_S)

        def know_all() -> bool:
            return all(knows(self._servers.admin(old), region) for region in REGIONS)

        until(know_all, "the regions' users to be there again", DEADLINE_S)
        assert self._servers.primary() != old

    def _fail(self, name: str) -> None:
        self._targets[name].close()
        self._down_ms[name] = time.time_ns() // 1_000_000

    async def _triggered(self, name: str) -> None:
        async def triggered() -> bool:
            alerts = await self._stage.alerts()
            return any(alert.kind is AlertKind.TRIGGER and alert.monitor == name for alert in alerts)

        await until_awaited(triggered, f"the trigger of: {name}", DEADLINE_S)
        print(f"done: {name}", file=sys.stderr, flush=True)


async def main(folder: Path) -> dict[str, object]:
    servers = SentinelServers(folder)
    targets = {name: Target(f"127.0.3.{number}") for number, name in enumerate(OUTAGES, start=1)}
    try:
        servers.start()
        stage = Stage(keep=bool(os.environ.get("KEEP_FAILOVERS")), wanted=wanted(servers))
        try:
            for target in targets.values():
                await target.open()
            await asyncio.to_thread(make_users)
            await stage.open()
            await asyncio.to_thread(keep_users)
            return await Failovers(servers, stage, targets).play()
        finally:
            await stage.close()
    finally:
        servers.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="vigil-failovers-") as made:
        print(json.dumps(asyncio.run(main(Path(made)))))
