"""A turn closes what was closed before all else, and no page or team holds up the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from django.db import OperationalError, connection

from probes import keys, wire
from probes.process.liveness import write_mark
from probes.reasons import Reason, Status
from tests.planting import plant
from tests.vigil.incidents.world import World
from tests.vigil.status.facts import FRAME
from tests.vigil.status.rows import everything, made, shown
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.control_keys import control_macs
from vigil.deadletters.models import DeadLetter
from vigil.incidents.models import MonitorState
from vigil.monitors.live import version
from vigil.monitors.live.results import Latest
from vigil.monitors.live.version import touch
from vigil.monitors.models import Monitor
from vigil.status import publisher
from vigil.status.changes import save_status_page
from vigil.status.core.answer import FileRequest, answer_of
from vigil.status.models import StatusPage
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher

pytestmark = pytest.mark.django_db(transaction=True)


def heard(redis_url: str, region: str, monitor: Monitor, at: datetime) -> None:
    """A result that a region wrote at that time."""
    at_ms = int(at.timestamp() * 1000)
    result = wire.Result(1, monitor.public_id, at_ms, Status.UP, Reason.OK, at_ms, wire.Phases(total_us=1_000))
    redis.Redis.from_url(redis_url).hset(keys.latest(region), monitor.public_id, wire.encode(result))


def judging(redis_url: str) -> None:
    """The parts between a result and a state live."""
    for part in ("consensus", "ingest"):
        write_mark(redis.Redis.from_url(redis_url), part, control_macs())


@pytest.mark.parametrize("change", [{"visibility": "password", "password": "long enough"}, {"slug": "acme-cloud"}])
def test_a_page_that_was_closed_is_closed_also_while_it_cannot_be_made_anew(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    row, _ = made(World())
    making.turn()
    assert shown(pages).is_public
    save_status_page(row, change)
    with monkeypatch.context() as patched:
        plant(patched, publisher, "project")
        making.turn()
        assert pages.find("acme") is None and pages.find("acme-cloud") is None
    making.turn()
    assert shown(pages, row.slug).access == row.readers


def test_a_page_whose_results_have_stopped_says_since_when(
    pages: PublishedPages, making: PagePublisher, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    _, monitor = made(world)
    region, now = world.regions[0].slug, database_now()
    judging(redis_url)
    stopped = now - timedelta(minutes=20)
    for at, is_old in ((now, False), (stopped, True)):
        heard(redis_url, region, monitor, at)
        touch(default_team().pk)
        making.turn()
        answer = answer_of(shown(pages), FileRequest(""), datetime.now(UTC))
        assert answer is not None and (b"Newer facts may be missing." in answer[2]) == is_old
    assert abs(shown(pages).heard_at - stopped) < timedelta(seconds=5)
    # While Redis is away, what was heard last stays so.
    monkeypatch.setattr("vigil.status.reading.latest_results", lambda *_: Latest(False))
    touch(default_team().pk)
    assert making.turn() == 1 and abs(shown(pages).heard_at - stopped) < timedelta(seconds=5)


def test_a_page_says_since_when_results_lead_to_no_state(
    pages: PublishedPages, making: PagePublisher, redis_url: str
) -> None:
    world, client, times = World(), redis.Redis.from_url(redis_url), []
    _, monitor = made(world)
    heard(redis_url, world.regions[0].slug, monitor, database_now())
    for lives in (True, False, False, True):
        judging(redis_url)
        if not lives:
            client.hdel(keys.ALIVE, "consensus")
        touch(default_team().pk)
        assert making.turn() == 1
        times.append(shown(pages).heard_at)
    first, second, third, last = times
    assert first == second == third < last


def test_each_process_says_the_same_time_of_the_last_change(
    making: PagePublisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, since = World(), database_now() + timedelta(minutes=1)
    _, monitor = made(world)
    making.turn()
    world.see(monitor, "fail")
    MonitorState.objects.update(since=since)
    for minutes, maker in ((2, making), (5, PagePublisher(PublishedPages(tmp_path / "other"), lambda _: FRAME))):
        turned = since + timedelta(minutes=minutes)
        monkeypatch.setattr(publisher, "database_now", lambda turned=turned: turned)
        maker.turn()
        assert shown(maker._pages).changed_at == since


def test_the_time_of_a_page_is_that_of_the_machine_that_serves_it(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(World())
    ahead = database_now() + timedelta(hours=1)
    monkeypatch.setattr(publisher, "database_now", lambda: ahead)
    making.turn()
    assert abs(shown(pages).heard_at - datetime.now(UTC)) < timedelta(seconds=30)


def test_the_signs_of_all_teams_are_one_question(making: PagePublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second", "third"):
        team = Team.objects.create(name=name, slug=name)
        save_status_page(StatusPage(team=team), {"slug": name, "title": name})
    asked: list[int] = []
    real = version.redis_client()

    class Counting:
        def hmget(self, *args: object) -> object:
            asked.append(1)
            return real.hmget(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(version, "redis_client", Counting)
    assert making.turn() == 3 and making.turn() == 0 and len(asked) == 2


def test_a_page_whose_statement_takes_too_long_fails_alone(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(World())
    save_status_page(StatusPage(team=default_team()), {"slug": "second", "title": "Second"})
    real = publisher.read_facts

    def slow(page: StatusPage, *args: datetime) -> object:
        if page.slug == "acme":
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 20")
                try:
                    cursor.execute("SELECT pg_sleep(5)")
                finally:
                    cursor.execute("RESET statement_timeout")
        return real(page, *args)

    monkeypatch.setattr(publisher, "read_facts", slow)
    assert making.turn() == 1 and making.turn() == 0
    assert shown(pages, "second") and pages.find("acme") is None
    assert "PageTooSlowError" in DeadLetter.objects.get().error


def test_it_knows_the_pages_once_it_has_found_or_made_them(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(World())
    monkeypatch.setattr(publisher, "TURN_S", 0.0)
    known = [making.knows_pages]
    with monkeypatch.context() as patched:
        plant(patched, publisher, "database_now", fault=OperationalError)
        with pytest.raises(OperationalError):
            making._turn_and_wait()
        known.append(making.knows_pages)
    making._turn_and_wait()
    assert [*known, making.knows_pages] == [False, False, True] and pages.find("acme")
    # The next process finds them, whatever is away.
    next_one = PagePublisher(pages, lambda _: FRAME)
    monkeypatch.setattr(next_one, "_run", lambda: None)
    next_one.start()
    next_one.stop()
    assert next_one.knows_pages


def test_a_change_is_on_the_page_within_two_seconds_by_the_pace_of_turns() -> None:
    assert publisher.TURN_S + publisher.SPACED_S <= 2


def test_other_errors_of_the_database_end_the_turn(making: PagePublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    made(World())
    plant(monkeypatch, publisher, "read_facts", fault=OperationalError)
    with pytest.raises(OperationalError):
        making.turn()


def test_a_busy_team_makes_its_page_anew_at_intervals_and_a_change_of_the_page_at_once(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "SPACED_S", 600.0)
    row, _ = made(World())
    assert making.turn() == 1
    touch(default_team().pk)
    assert making.turn() == 0
    save_status_page(row, {"title": "Acme Cloud"})
    assert making.turn() == 1 and "Acme Cloud" in everything(shown(pages))
    touch(default_team().pk)
    monkeypatch.setattr(publisher.time, "monotonic", lambda: float("inf"))
    assert making.turn() == 1
