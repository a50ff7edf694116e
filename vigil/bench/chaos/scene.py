"""Scene of a run of chaos: targets that fail by a seed, jobs that call or fall silent, and the receiver of alerts."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from vigil.bench.chaos.judge import RESOLVE, TRIGGER, JobSilence, Outage, Told, Written
from vigil.demo.exchange import ServedAnswer, ServedRequest, serve
from vigil.demo.receiver import WebhookReceiver
from vigil.demo.story import AlertKind, alerts_of

#: Outages and the times between them (s); a short one need not be told.
OUTAGE_S, CALM_S = (46.0, 70.0), (70.0, 130.0)
FAILURES = ("refuse", "hang", "500")
PERIOD_S, GRACE_S = 60, 60
PING_EVERY_S = 4.0
#: As the snippets call: retried for about half a minute.
PING_TRIES, PING_PAUSE_S = 12, 2.5
_EVENTS = {AlertKind.TRIGGER: TRIGGER, AlertKind.RESOLVE: RESOLVE}


class FailingTarget:
    """A server on a port of its own that answers 200, or fails in one way."""

    def __init__(self, name: str) -> None:
        self.name, self.port, self.fails = name, 0, ""
        self._server: asyncio.Server | None = None

    async def set(self, fails: str) -> None:
        """Answer, or fail from now on."""
        self.fails = fails
        if fails == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif fails != "refuse" and self._server is None:
            self._server = await serve(self.port, self._answer)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _answer(self, request: ServedRequest) -> ServedAnswer:
        if self.fails == "hang":
            await asyncio.sleep(30)
        return ServedAnswer(500 if self.fails == "500" else 200, b"{}")


@dataclass(frozen=True, slots=True)
class Calls:
    """The pings of one job until a time; `address` is asked each time, since Vigil may be started anew."""

    job: str
    address: Callable[[], str]
    until_s: float


class Scene:
    """Everything outside Vigil. Times are wall-clock seconds, as PostgreSQL on this machine has them."""

    def __init__(self, seed: int, targets: int, secret: str) -> None:
        self._chance = random.Random(seed)
        self.targets = [FailingTarget(f"t{number}") for number in range(1, targets + 1)]
        self.outages: list[Outage] = []
        self.silences: list[JobSilence] = []
        self.acknowledged: dict[str, int] = {}
        self.receiver = WebhookReceiver(secret)
        self.receiver_port = 0
        #: Called with the number of deliveries so far, at each receipt and before its answer.
        self.on_receipt: Callable[[int], None] = lambda number: None
        self._receipts = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        for target in self.targets:
            await target.set("")
        self._server = await serve(0, self._receive)
        self.receiver_port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for target in self.targets:
            await target.set("refuse")
        if self._server is not None:
            self._server.close()

    async def fail_by_chance(self, target: FailingTarget, until_s: float) -> None:
        """Outages of one target, the last of which has ended before `until_s`."""
        await asyncio.sleep(self._chance.uniform(2, 12))
        while True:
            length_s = self._chance.uniform(*OUTAGE_S)
            begins_s = time.time()
            if begins_s + length_s > until_s:
                return
            await target.set(self._chance.choice(FAILURES))
            await asyncio.sleep(length_s)
            await target.set("")
            self.outages.append(Outage(target.name, begins_s, time.time()))
            calm_s = self._chance.uniform(*CALM_S)
            if time.time() + calm_s + OUTAGE_S[0] > until_s:
                return
            await asyncio.sleep(calm_s)

    async def call(self, client: httpx.AsyncClient, calls: Calls) -> None:
        """Pings of one job, one at least, each retried as the snippets do; what follows is a silence, or the end."""
        last_s = 0.0
        while not last_s or time.time() < calls.until_s:
            if await self._ping(client, calls.address):
                self.acknowledged[calls.job] = self.acknowledged.get(calls.job, 0) + 1
                last_s = time.time()
            await asyncio.sleep(PING_EVERY_S)
        self.silences.append(JobSilence(calls.job, last_s, PERIOD_S + GRACE_S))

    async def _ping(self, client: httpx.AsyncClient, address: Callable[[], str]) -> bool:
        for _ in range(PING_TRIES):
            try:
                answer = await client.get(address())
                if answer.status_code == 200:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(PING_PAUSE_S)
        return False

    async def _receive(self, request: ServedRequest) -> ServedAnswer:
        answer = await self.receiver.respond(request)
        self._receipts += 1
        self.on_receipt(self._receipts)
        return answer

    def told(self) -> list[Told]:
        """What the receiver got of triggers and resolves."""
        received = ({"received_ms": one.received_ms, "id": one.id, "verified": one.verified, "body": one.body}
                    for one in self.receiver.received)  # fmt: skip
        alerts = [alert for one in received for alert in alerts_of(one)]
        return [
            Told(alert.dedup_key, _EVENTS[alert.kind], alert.at_ms / 1000, alert.delivery)
            for alert in alerts
            if alert.kind in _EVENTS
        ]


@dataclass(frozen=True, slots=True)
class Job:
    """A heartbeat that was made for the run."""

    name: str
    code: str


def write_scene(scene: Scene, jobs: int, secret: str) -> list[Job]:
    """The monitors, the heartbeats and the channel, in the installation that Django is set up for."""
    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel
    from vigil.heartbeats.changes import create_heartbeat
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    hook = {"url": f"http://127.0.0.1:{scene.receiver_port}/hook"}
    Channel(team=team, name="chaos", kind="webhook", config=hook, secrets={"secret": secret}).save()
    regions = list(Region.objects.all())
    for number, target in enumerate(scene.targets):
        wanted = {"name": target.name, "kind": "http", "config": {"url": f"http://127.0.0.1:{target.port}/"},
                  "interval_s": 5, "timeout_ms": 2_000, "regions": regions,
                  "sensitivity": "high" if number % 2 else "normal"}  # fmt: skip
        create_monitor(team, wanted)
    made = [
        create_heartbeat(team, {"name": f"job{number}", "period_s": PERIOD_S, "grace_s": GRACE_S})
        for number in range(1, jobs + 1)
    ]
    return [Job(heartbeat.monitor.name, str(heartbeat.code)) for heartbeat in made]


def written() -> list[Written]:
    """The triggers and resolves that PostgreSQL has, of what the run is about."""
    from vigil.alerts.models import Delivery

    rows = Delivery.objects.filter(event__in=[TRIGGER, RESOLVE], withheld="", incident__monitor__isnull=False)
    rows = rows.select_related("incident__monitor", "transition").order_by("created_at")
    return [
        Written(
            row.incident.public_id,
            row.event,
            row.created_at.timestamp(),
            monitor.name,
            row.incident.kind,
            row.transition.text[:300],
        )
        for row in rows
        if (monitor := row.incident.monitor) is not None
    ]


def pings_counted() -> dict[str, int]:
    """How many pings of each job Vigil has counted."""
    from vigil.heartbeats.models import Heartbeat

    return dict(Heartbeat.objects.values_list("monitor__name", "pings"))
