"""A sender that dies where it is told to, a provider that lives on, and what must hold of both afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection, transaction

from probes.process.health import Health
from vigil.accounts.teams import default_team
from vigil.alerts import crashpoints
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.core.decision import Concern, Why
from vigil.alerts.core.retry import FALLBACK_AFTER, GIVE_UP_AFTER
from vigil.alerts.crashpoints import CrashPoint
from vigil.alerts.delivery.attempt import attempt
from vigil.alerts.delivery.claims import Claim
from vigil.alerts.delivery.fallback import _UNACCEPTED, escalate_unaccepted
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.delivery.isolated import claimed
from vigil.alerts.delivery.outcomes import AttemptResult, record
from vigil.alerts.delivery.service import Sender
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.alerts.wording.message import Message
from vigil.configuration import AlertEgress
from vigil.deadletters.record import LetterSource, isolation
from vigil.demo.alert_receivers import AlertReceiver, ReceivedRequest, ReceiverReply
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor

_DUE = """
SELECT count(*) FROM alerts_delivery WHERE state = 'sending' OR (state = 'pending' AND due_at <= now())
"""
# As if the hours of a lease, a retry and a storm's pauses had passed.
_LATER = """
UPDATE alerts_delivery SET due_at = now() WHERE state = 'pending';
UPDATE alerts_delivery SET lease_until = now() - interval '1 second' WHERE state = 'sending';
UPDATE alerts_gathering SET next = now();
"""


class Crashed(BaseException):
    """The process is gone: nothing that it would still have done is done."""


class Death:
    """Dies at each of some points in turn, once a life."""

    def __init__(self, points: Sequence[CrashPoint]) -> None:
        self.left = list(points)
        self.dead = False

    def __call__(self, reached: CrashPoint) -> None:
        if self.dead:
            raise Crashed
        if self.left and reached is self.left[0]:
            self.left.pop(0)
            self.dead = True
            raise Crashed


@contextlib.contextmanager
def provider() -> Iterator[tuple[AlertReceiver, str]]:
    """The provider's stand-in, on a thread of its own; it outlives every sender."""
    receiver, loop, ports = AlertReceiver(), asyncio.new_event_loop(), []
    started = threading.Event()

    async def start() -> None:
        ports.append(await receiver.start())
        started.set()

    def serve() -> None:
        task = loop.create_task(start())
        loop.run_forever()
        receiver.stop()
        loop.run_until_complete(asyncio.sleep(0))
        task.cancel()
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(10)
    yield receiver, f"http://127.0.0.1:{ports[0]}"
    stop_watching()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def live(done: Callable[[], bool]) -> bool:
    """One life of a sender, until nothing is due or it dies; whether it lived."""

    async def life() -> None:
        outbound = GuardedOutbound(AlertEgress.PRIVATE)
        sender = Sender(outbound, Health("deliver", 30))
        running = asyncio.create_task(sender.run())
        try:
            while not running.done() and not done():
                await asyncio.sleep(0.004)
            sender.stop()
            await running
        finally:
            await outbound.close()

    try:
        asyncio.run(life())
    except Crashed:
        return False
    return True


def nothing_due() -> bool:
    """Whether the outbox is at rest; asked over a connection of its own, so that the state of no other matters."""
    due = _watcher().execute(_DUE).fetchone() == (0,)
    asked = {"oldest": GIVE_UP_AFTER, "fallback_after": FALLBACK_AFTER}
    return due and not _watcher().execute(_UNACCEPTED, asked).fetchall()


_watching: list[psycopg.Connection[Any]] = []


def _watcher() -> psycopg.Connection[Any]:
    if not _watching:
        name = connection.settings_dict["NAME"]
        url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
        _watching.append(psycopg.connect(url, autocommit=True))
    return _watching[0]


def stop_watching() -> None:
    while _watching:
        _watching.pop().close()


class Steps:
    """A sender without its loop and its threads: the same steps in the same order, many lives a second."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._outbound = self._loop.run_until_complete(self._open())

    async def _open(self) -> GuardedOutbound:
        return GuardedOutbound(AlertEgress.PRIVATE)

    def close(self) -> None:
        self._loop.run_until_complete(self._outbound.close())
        self._loop.close()

    def live(self, done: Callable[[], bool]) -> bool:
        """One life, until nothing is due or it dies; whether it lived."""
        try:
            while not done():
                found = claimed({}, [], isolation(LetterSource.DELIVER))
                outcomes = self._loop.run_until_complete(self._attempt(found.claims, found.messages))
                if outcomes:
                    record(outcomes)
                escalate_unaccepted()
        except Crashed:
            return False
        return True

    async def _attempt(self, found: Sequence[Claim], messages: Mapping[int, Message]) -> list[AttemptResult]:
        tasks = [asyncio.create_task(attempt(self._outbound, one, messages[one.id], 0)) for one in found]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


Life = Callable[[Callable[[], bool]], bool]


def run_to_the_end(death: Death, live: Life = live) -> None:
    """Live, die, live again, and let time pass in between, until all is told."""
    crashpoints.arm(death)
    try:
        for _ in range(40):
            death.dead = False
            lived = live(nothing_due)
            with connection.cursor() as cursor:
                cursor.execute(_LATER)
            if lived and nothing_due():
                return
    finally:
        crashpoints.disarm()
    raise AssertionError("the outbox did not come to rest")


class Scene:
    """Channels of its own and incidents of one host: some told to all, some only to a channel that refuses."""

    def __init__(self, number: int, receiver: AlertReceiver, url: str) -> None:
        self.number, self.receiver, self.url = number, receiver, url
        self.paths = {name: f"/{kind}/{name}/{number}" for name, kind in PARTS.items()}
        self.pd = self._channel("pd", "pagerduty", {"routing_key": "f" * 32})
        self.hook = self._channel("hook", "webhook", {"secret": "whsec_" + "A" * 32})
        self.bad = self._channel("bad", "webhook", {"secret": "whsec_" + "A" * 32})
        self.help = self._channel("help", "webhook", {"secret": "whsec_" + "A" * 32}, fallback=True)
        receiver.script[self.paths["bad"]].append(ReceiverReply(400))
        # The first attempt of all is answered by a stumble.
        receiver.script[self.paths["hook"]].extend([ReceiverReply(503), ReceiverReply(200)])
        self.told: list[Incident] = []
        self.refused: list[Incident] = []

    def begin(self) -> None:
        for place in range(4):
            incident, step = self._open(f"m{self.number}-{place}")
            only_bad = place == 3
            channels = [self.bad] if only_bad else [self.pd, self.hook]
            (self.refused if only_bad else self.told).append(incident)
            with transaction.atomic():
                enqueue(step, {one.pk: Concern(Why.ROUTED) for one in channels})

    def end(self) -> None:
        for incident in (*self.told, *self.refused):
            incident.refresh_from_db()
            incident.steps += 1
            incident.resolved_at = datetime.now(UTC)
            incident.save()
            with transaction.atomic():
                enqueue(
                    Transition.objects.create(
                        incident=incident, seq=incident.steps, step="resolved", reason="recovered", at=datetime.now(UTC)
                    )
                )

    def retire(self) -> None:
        """Later scenes have fallback channels of their own."""
        Channel.objects.filter(pk=self.help.pk).update(fallback=False)

    def took(self, name: str) -> list[ReceivedRequest]:
        return self.receiver.at(self.paths[name])

    def _channel(self, name: str, kind: str, secrets: dict[str, str], **more: Any) -> Channel:
        config = {"url": self.url + self.paths[name]}
        wanted = {"name": f"{name} {self.number}", "kind": kind, "config": config, "secrets": secrets, **more}
        return save_channel(Channel(team=default_team()), wanted)

    def _open(self, name: str) -> tuple[Incident, Transition]:
        now, team = datetime.now(UTC), default_team()
        config = {"url": f"https://api.shop{self.number}.test/{name}"}
        monitor = Monitor.objects.create(team=team, name=name, kind="http", config=config)
        incident = Incident.objects.create(
            team=team, monitor=monitor, kind="outage", title=f"{name} is down", failure="timeout", started_at=now,
            opened_at=now, steps=1,
        )  # fmt: skip
        step = Transition.objects.create(incident=incident, seq=1, step="opened", reason="confirmed", at=now)
        return incident, step


PARTS = {"pd": "pagerduty", "hook": "hook", "bad": "bad", "help": "help"}


def invariants(scene: Scene, deaths: int) -> None:
    """INV-11 to INV-14 and INV-16, of one scene that has come to rest."""
    every_step_has_its_deliveries(scene)
    everybody_heard_or_it_is_a_dead_letter(scene)
    one_key_for_all_attempts(scene, deaths)
    no_end_before_its_beginning(scene)
    pagerduty_ends_with_nothing_open(scene)


def every_step_has_its_deliveries(scene: Scene) -> None:
    for incident in (*scene.told, *scene.refused):
        steps = list(incident.transitions.order_by("seq"))
        assert [step.step for step in steps] == ["opened", "resolved"]
        told = [set(step.deliveries.values_list("channel_id", flat=True)) for step in steps]
        assert told[0] and told[0] == told[1], "INV-11"


def everybody_heard_or_it_is_a_dead_letter(scene: Scene) -> None:
    states = Delivery.objects.filter(incident__in=[*scene.told, *scene.refused])
    assert set(states.values_list("state", flat=True)) <= {"sent", "dead"}, "INV-12"
    assert not states.filter(state="dead").exclude(channel=scene.bad).exists()
    for name, incidents in (("hook", scene.told), ("help", scene.refused)):
        assert named(scene, name, "triggered") == {incident.public_id for incident in incidents}, "INV-12 and INV-16"
        assert named(scene, name, "resolved") == {incident.public_id for incident in incidents}, "INV-14"
    pages = Delivery.objects.filter(incident__in=scene.refused, channel=scene.bad, event="trigger")
    assert all(page.state == "dead" and page.last_error and page.escalated_at for page in pages)


def named(scene: Scene, name: str, what: str) -> set[str]:
    bodies = [took.body for took in scene.took(name) if took.body["type"].endswith(what)]
    return {one["id"] for body in bodies for one in body.get("incidents") or [body["incident"]]}


def one_key_for_all_attempts(scene: Scene, deaths: int) -> None:
    seen: dict[str, set[tuple[str, str]]] = {}
    times: dict[str, int] = {}
    for took in scene.took("hook"):
        number = took.headers["webhook-id"]
        seen.setdefault(number, set()).add((took.body["dedup_key"], took.body["type"]))
        times[number] = times.get(number, 0) + 1
    assert all(len(keys) == 1 for keys in seen.values()), "INV-13"
    # One stumble, and one more attempt for each death.
    assert sum(times.values()) - len(times) <= 1 + 8 * deaths, "INV-13"
    if not deaths:
        assert sum(times.values()) - len(times) == 1, "INV-13"


def no_end_before_its_beginning(scene: Scene) -> None:
    for name in ("hook", "help"):
        begun: set[str] = set()
        for took in scene.took(name):
            ids = {one["id"] for one in took.body.get("incidents") or [took.body["incident"]]}
            if took.body["type"].endswith("triggered"):
                begun |= ids
            else:
                assert ids <= begun, "INV-14"


def pagerduty_ends_with_nothing_open(scene: Scene) -> None:
    opened: set[str] = set()
    named_in: set[str] = set()
    for took in scene.took("pd"):
        body = took.body
        if body["event_action"] == "resolve":
            assert body["dedup_key"] in opened, "INV-14"
            opened.discard(body["dedup_key"])
            continue
        opened.add(body["dedup_key"])
        details = body["payload"]["custom_details"]
        named_in |= set(details.get("incidents") or [body["payload"]["component"]])
    assert not opened, "INV-14"
    assert {incident.monitor.name for incident in scene.told if incident.monitor} <= named_in, "INV-16"
