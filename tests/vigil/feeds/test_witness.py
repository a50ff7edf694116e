"""The witness beside a real feed: what it declares stands in the incident, and it never votes, whatever it serves."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

import vigil.witness
from probes.process.health import Health
from tests.planting import plant, plant_poison
from tests.vigil.feeds import shapes
from tests.vigil.feeds.server import FeedServer
from tests.vigil.incidents.world import World
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.outbox import enqueue
from vigil.configuration import AlertEgress
from vigil.deadletters.actions import waiting
from vigil.feeds.models import Feed, FeedPost
from vigil.feeds.witnesses import feed_rows, switch
from vigil.incidents.models import Incident, Transition
from vigil.witness import Witness

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "api.openai.com"
API_DOWN = shapes.statuspage(shapes.incident(name="Elevated <b>errors</b> <!channel>", on="Responses API"))


@pytest.fixture
def server() -> Iterator[FeedServer]:
    server = FeedServer()
    server.body = shapes.statuspage()
    yield server
    server.close()


@pytest.fixture
def witness() -> Iterator[None]:
    """A witness that turns while the test runs."""
    with witnessing():
        yield


@pytest.fixture
def witnesses(witness: None) -> Iterator[None]:
    """Two of them; neither may have ended."""
    with witnessing():
        yield


@contextlib.contextmanager
def witnessing() -> Iterator[None]:
    from vigil.feeds.fetch import Fetcher

    started = threading.Event()
    box: dict[str, Any] = {}

    async def run() -> None:
        fetcher = Fetcher(AlertEgress.PRIVATE, deadline_s=1.0)
        box["loop"], box["witness"] = asyncio.get_running_loop(), Witness(fetcher, Health("witness", 30))
        started.set()
        await box["witness"].run()
        await fetcher.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait(10)
    try:
        yield
        assert thread.is_alive(), "it has ended"
    finally:
        if thread.is_alive():
            box["loop"].call_soon_threadsafe(box["witness"].stop)
        thread.join(20)
    assert not thread.is_alive()


def follow(provider: str, url: str) -> Feed:
    # The address stands before the feed is switched on: the witness is turning, and would ask the real one.
    Feed.objects.update_or_create(provider=provider, defaults={"url": url})
    switch([provider], True)
    return Feed.objects.get(provider=provider)


def ask_again() -> None:
    Feed.objects.update(asked_at=F("asked_at") - timedelta(minutes=5))


def is_read(feed: Feed) -> Callable[[], bool]:
    return lambda: Feed.objects.get(pk=feed.pk).ok_at is not None


def test_what_the_provider_declares_after_us_is_noted_with_the_lead(server: FeedServer, witness: None) -> None:
    feed = follow("openai", server.url())
    until(is_read(feed))
    world = World()
    world.see(world.monitor("chat", HOST), "fail")
    opened = Transition.objects.get()
    assert opened.evidence["witness"] == "OpenAI's status page: no incident yet."
    assert opened.text.endswith("OpenAI's status page: no incident yet.")

    Incident.objects.update(opened_at=F("opened_at") - timedelta(minutes=11))
    server.body = API_DOWN
    ask_again()
    until(lambda: Transition.objects.filter(reason="provider_declared").exists())

    noted = Transition.objects.get(reason="provider_declared")
    assert noted.step == "note" and "errors</b> <!channel>” 11 minutes after us" in noted.text
    assert 660 <= noted.evidence["lead_s"] <= 680
    ask_again()
    until(lambda: len(server.asked) >= 4 or not Feed.objects.filter(asked_at__lt=F("ok_at")).exists())
    assert Transition.objects.filter(reason="provider_declared").count() == 1


def test_a_feed_alone_alerts_nobody(server: FeedServer, witness: None) -> None:
    Channel.objects.create(team=default_team(), name="pager", kind="webhook", config={"url": "https://x.test/"})
    World().monitor("chat", HOST)
    server.body = API_DOWN
    feed = follow("openai", server.url())
    until(lambda: FeedPost.objects.filter(feed=feed).exists())
    assert not Incident.objects.exists() and not Delivery.objects.exists()


def test_what_was_there_at_first_is_no_lead(server: FeedServer, witness: None) -> None:
    server.body = API_DOWN
    feed = follow("openai", server.url())
    until(is_read(feed))
    world = World()
    world.see(world.monitor("chat", HOST), "fail")
    assert "before Vigil read it" in Transition.objects.get().text


def test_a_note_goes_to_those_who_want_notes(server: FeedServer, witness: None) -> None:
    quiet, curious = (
        Channel.objects.create(team=default_team(), name=name, kind="webhook", config={"url": "https://x.test/"})
        for name in ("quiet", "curious")
    )
    for channel in (quiet, curious):
        route = Route.objects.create(team=default_team(), name=channel.name, notes=channel == curious, goes_on=True)
        route.channels.set([channel])
    feed = follow("openai", server.url())
    until(is_read(feed))
    world = World()
    world.see(world.monitor("chat", HOST), "fail", enqueue=enqueue)
    server.body = API_DOWN
    ask_again()
    until(lambda: Delivery.objects.filter(event="note").exists())
    assert [one.channel.name for one in Delivery.objects.filter(event="note")] == ["curious"]


def test_feeds_that_misbehave_delay_no_other_and_are_no_witness(server: FeedServer, witness: None) -> None:
    bad = {"cohere": "/huge", "groq": "/slow", "mistral": "/html", "together": "/round"}
    for provider, path in bad.items():
        follow(provider, server.url(path))
    good = follow("openai", server.url())
    until(is_read(good))
    until(lambda: Feed.objects.exclude(problem="").count() == len(bad))
    assert Feed.objects.get(provider="groq").problem == "no answer within 1 s"
    world = World()
    world.see(world.monitor("rerank", "api.cohere.com"), "fail")
    assert Transition.objects.get().evidence["witness"] == "Cohere's status page cannot be read now."


def test_an_end_is_told_with_what_the_provider_said_meanwhile(server: FeedServer, witness: None) -> None:
    feed = follow("openai", server.url())
    until(is_read(feed))
    world = World()
    monitor = world.monitor("chat", HOST)
    world.see(monitor, "fail")
    world.see(monitor, "pass", "pass")
    ended = Transition.objects.get(step="resolved")
    assert ended.evidence["witness"] == "OpenAI's status page posted no incident meanwhile."


def test_a_post_ends_when_the_page_shows_it_no_more(server: FeedServer, witness: None) -> None:
    server.body = API_DOWN
    feed = follow("openai", server.url())
    until(lambda: feed.posts.filter(ended_at=None).exists())
    server.body = shapes.statuspage()
    ask_again()
    until(lambda: feed.posts.exclude(ended_at=None).exists())
    # It comes again: that is another declaration.
    server.body = API_DOWN
    ask_again()
    until(lambda: feed.posts.filter(ended_at=None).exclude(absent_at=None).exists())
    assert feed.posts.count() == 2


def test_without_a_feed_that_is_on_nothing_is_said_and_nothing_asked(server: FeedServer, witness: None) -> None:
    Feed.objects.create(provider="openai", url=server.url())
    world = World()
    world.see(world.monitor("chat", HOST), "fail")
    assert "witness" not in Transition.objects.get().evidence
    assert server.asked == []
    states = {row["provider"]: row["state"] for row in feed_rows()}
    assert states["openai"] == "off" and states["xai"].startswith("off (its address")


@pytest.mark.parametrize("step", ["enabled_feeds", "_note_what_is_new", "parse", "record_page", "record_problem"])
def test_s15_a_fault_at_a_step_ends_no_witness(
    server: FeedServer, step: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    fault = plant(monkeypatch, vigil.witness, step, times=None if step == "_note_what_is_new" else 2)
    if step == "record_problem":
        server.body = b"no feed"
    request.getfixturevalue("witnesses")
    feed = follow("openai", server.url())
    until(lambda: fault.raised >= 2, "the fault")
    server.body = shapes.statuspage()

    def is_read_at_last() -> bool:
        # A reading that was on its way when the page changed ends with the old page, and with a new time to ask again.
        ask_again()
        return is_read(feed)()

    until(is_read_at_last, "the feed")


def test_s15_a_feed_that_cannot_be_handled_delays_no_other(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    plant_poison(monkeypatch, vigil.witness, "parse", lambda body, _: b"poison" in body, OverflowError)
    request.getfixturevalue("witnesses")
    other = FeedServer()
    try:
        other.body = b"poison"
        follow("anthropic", other.url())
        feed = follow("openai", server.url())
        until(is_read(feed), "the other feed")
        until(lambda: waiting().filter(source="witness", origin="anthropic").exists(), "the letter")
    finally:
        other.close()


def test_s15_pages_that_cannot_be_parsed_in_time_delay_no_other_and_not_the_dead_mans_switch(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    free = threading.Event()
    monkeypatch.setattr(vigil.witness, "PARSE_S", 0.5)
    plant_poison(monkeypatch, vigil.witness, "parse", lambda body, _: b"slow" in body and free.wait(20))
    noted: list[float] = []
    monkeypatch.setattr(vigil.witness, "_note_what_is_new", lambda: noted.append(time.monotonic()))
    request.getfixturevalue("witness")
    other = FeedServer()
    try:
        other.body = b"slow"
        bad = follow("anthropic", other.url())
        good = follow("openai", server.url())
        until(is_read(good), "the other feed")
        until(lambda: "longer than 0.5 s" in Feed.objects.get(pk=bad.pk).problem, "the deadline")
        turns = len(noted)
        until(lambda: len(noted) >= turns + 2, "turns meanwhile")
    finally:
        free.set()
        other.close()
