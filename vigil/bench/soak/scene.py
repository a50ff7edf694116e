"""Scene of a soak test: targets that fail by a seed, jobs that call or fall silent, and the receivers of alerts."""

from __future__ import annotations

import asyncio
import math
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import httpx
import msgspec

from vigil.bench.soak.judge import RESOLVE, TRIGGER, JobSilence, Outage, Told
from vigil.demo.exchange import ServedAnswer, ServedRequest, serve
from vigil.demo.receiver import WebhookReceiver
from vigil.demo.story import AlertKind, alerts_of
from vigil.local.servers.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How long outages, silences and the times between them last (s), and when a target's first outage begins."""

    outage_s: tuple[float, float]
    calm_s: tuple[float, float]
    first_s: tuple[float, float]
    silence_s: tuple[float, float]


#: A target may fail at most twice an hour, or it flaps: one incident would stay open and tell of all of them.
BRISK = Rhythm(outage_s=(46, 70), calm_s=(70, 130), first_s=(2, 12), silence_s=(300, 300))
STEADY = Rhythm(outage_s=(75, 150), calm_s=(1_860, 2_200), first_s=(30, 1_800), silence_s=(300, 420))
FAILURES = ("refuse", "hang", "500")
PERIOD_S, GRACE_S = 60, 60
PING_EVERY_S = 4.0
#: One that gathers in a storm, as channels do unless told otherwise, and one that tells each by itself.
CHANNELS = {"gathers": True, "solo": False}
#: Deliveries that a receiver keeps; more than come in a day.
KEPT = 100_000
#: As the snippets call: retried for about half a minute.
PING_TRIES, PING_PAUSE_S = 12, 2.5
_EVENTS = {AlertKind.TRIGGER: TRIGGER, AlertKind.RESOLVE: RESOLVE}


class FailingTarget:
    """A server on a port of its own that answers 200, or fails in one way.

    The port is held by a socket that does not listen, so that no other process gets it while the target refuses.
    """

    def __init__(self, name: str) -> None:
        self.name, self.port, self.fails = name, 0, ""
        self._held: socket.socket | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take a port, and answer."""
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind((LOOPBACK, 0))
        self.port = self._held.getsockname()[1]
        await self.set("")

    async def set(self, fails: str) -> None:
        """Answer, or fail from now on."""
        self.fails = fails
        if fails == "refuse" and self._server is not None:
            self._server.close()
            self._server = None
        elif fails != "refuse" and self._server is None:
            self._server = await serve(self.port, self._answer)

    async def close(self) -> None:
        """Refuse from now on, and give the port back."""
        await self.set("refuse")
        if self._held is not None:
            self._held.close()

    async def _answer(self, request: ServedRequest) -> ServedAnswer:
        if self.fails == "hang":
            await asyncio.sleep(30)
        return ServedAnswer(500 if self.fails == "500" else 200, b"{}")


@dataclass(frozen=True, slots=True)
class Calls:
    """The pings of one job until a time; `address` is asked each time, since Vigil may be started anew.

    It falls silent `silent_after_s` after its begin, and as long after each silence; None: never.
    """

    job: str
    address: Callable[[], str]
    until_s: float
    silent_after_s: float | None = None


class Scene:
    """Everything outside Vigil. Times are wall-clock seconds, as PostgreSQL on this machine has them."""

    def __init__(self, seed: int, targets: int, secret: str, rhythm: Rhythm) -> None:
        self._chance = random.Random(seed)
        self._rhythm = rhythm
        self.targets = [FailingTarget(f"t{number}") for number in range(1, targets + 1)]
        self.outages: list[Outage] = []
        self.silences: list[JobSilence] = []
        self.acknowledged: Counter[str] = Counter()
        self.receivers = {channel: WebhookReceiver(secret, KEPT) for channel in CHANNELS}
        self.receiver_ports: dict[str, int] = {}
        #: Called with the number of deliveries so far, at each receipt and before its answer.
        self.on_receipt: Callable[[int], None] = lambda number: None
        self._receipts = 0
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        for target in self.targets:
            await target.open()
        for channel, receiver in self.receivers.items():
            server = await serve(0, partial(self._receive, receiver))
            self._servers.append(server)
            self.receiver_ports[channel] = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for target in self.targets:
            await target.close()
        for server in self._servers:
            server.close()

    async def fail_by_chance(self, target: FailingTarget, until_s: float) -> None:
        """Outages of one target, the last of which has ended before `until_s`."""
        rhythm = self._rhythm
        await asyncio.sleep(min(self._chance.uniform(*rhythm.first_s), max(0.0, until_s - time.time()) / 2))
        while True:
            length_s = self._chance.uniform(*rhythm.outage_s)
            begins_s = time.time()
            if begins_s + length_s > until_s:
                return
            await target.set(self._chance.choice(FAILURES))
            await asyncio.sleep(length_s)
            await target.set("")
            self.outages.append(Outage(target.name, begins_s, time.time()))
            calm_s = self._chance.uniform(*rhythm.calm_s)
            if time.time() + calm_s + rhythm.outage_s[0] > until_s:
                return
            await asyncio.sleep(calm_s)

    async def call(self, client: httpx.AsyncClient, calls: Calls) -> None:
        """Pings of one job, one at least, each retried as the snippets do, with silences between them."""
        last_s, silent_s = 0.0, time.time() + (calls.silent_after_s or math.inf)
        while not last_s or time.time() < calls.until_s:
            if time.time() >= silent_s and last_s:
                number = len(self.silences)
                self.silences.append(JobSilence(calls.job, last_s, PERIOD_S + GRACE_S))
                length_s = self._chance.uniform(*self._rhythm.silence_s)
                await asyncio.sleep(min(length_s, max(0.0, calls.until_s - time.time())))
                if time.time() >= calls.until_s:
                    return
                silent_s = time.time() + (calls.silent_after_s or math.inf)
                self.silences[number] = replace(self.silences[number], ends_s=time.time())
            if await self._ping(client, calls.address):
                self.acknowledged[calls.job] += 1
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

    async def _receive(self, receiver: WebhookReceiver, request: ServedRequest) -> ServedAnswer:
        answer = await receiver.respond(request)
        self._receipts += 1
        self.on_receipt(self._receipts)
        return answer

    def told(self) -> list[Told]:
        """What the receivers got of triggers and resolves."""
        return [
            Told(alert.dedup_key, _EVENTS[alert.kind], alert.at_ms / 1000, alert.delivery, channel)
            for channel, receiver in self.receivers.items()
            for one in receiver.received
            for alert in alerts_of(msgspec.structs.asdict(one))
            if alert.kind in _EVENTS
        ]

    def requests(self) -> tuple[int, int]:
        """How many deliveries came, and how many of them came again under their id."""
        came = [(channel, one.id) for channel, receiver in self.receivers.items() for one in receiver.received]
        return len(came), len(came) - len(set(came))
