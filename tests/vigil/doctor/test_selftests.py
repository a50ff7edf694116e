"""What the doctor says of self-tests, the dead man's switch and the feeds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, OutsidePing, SelfTest
from vigil.alerts.selftest.selftest import run_self_tests
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.doctor import selftests, servers
from vigil.doctor.findings import ExaminationContext, Level
from vigil.feeds.models import Feed
from vigil.monitors.live.results import redis_client

pytestmark = pytest.mark.django_db


def around() -> ExaminationContext:
    return ExaminationContext(redis_client(), database_now(), None)


def accepted() -> None:
    """As if everything that waits had been sent."""
    for _ in range(3):
        Delivery.objects.filter(state="pending").update(state="sent", sent_at=Now())
        run_self_tests()


def test_nothing_proven_is_a_warning_and_changes_nothing() -> None:
    (found,) = selftests.self_test(around())
    assert found.level is Level.WARNING and "no self-test has passed yet" in found.text
    assert not Channel.objects.exists()


def test_a_loopback_alone_is_worth_a_word_and_a_real_channel_is_well() -> None:
    run_self_tests()
    accepted()
    (found,) = selftests.self_test(around())
    assert found.level is Level.WARNING and "no real channel takes part" in found.text

    Channel.objects.create(
        team=default_team(), name="pager", kind="webhook", config={"url": "https://x.test/"}, self_test_minutes=60
    )
    run_self_tests()
    accepted()
    (found,) = selftests.self_test(around())
    assert found.level is Level.WELL and "pager" in found.text


def test_a_test_that_failed_is_a_problem() -> None:
    run_self_tests()
    Delivery.objects.update(state="dead", last_error="answered 403")
    accepted()
    (found,) = selftests.self_test(around())
    assert found.level is Level.PROBLEM
    assert SelfTest.objects.get().passed is False


@pytest.fixture
def deadman_url() -> Iterator[None]:
    os.environ["VIGIL_DEADMAN_URL"] = "https://deadman.example.test/obviously-fake"
    configuration.cache_clear()
    yield
    del os.environ["VIGIL_DEADMAN_URL"]
    configuration.cache_clear()


def test_a_dead_mans_switch_is_missed_when_there_is_none() -> None:
    (found,) = selftests.deadman(around())
    assert found.level is Level.NOTE


def test_a_dead_mans_switch_that_is_not_pinged_is_a_problem(deadman_url: None) -> None:
    (found,) = selftests.deadman(around())
    assert found.level is Level.PROBLEM and "obviously-fake" not in str(found)
    now = database_now()
    ping = OutsidePing.objects.create(pk=1, asked_at=now, ok_at=now)
    assert [one.level for one in selftests.deadman(around())] == [Level.WELL]
    ping.ok_at, ping.problem = now - timedelta(minutes=9), "it answered 503"
    ping.save()
    (found,) = selftests.deadman(around())
    assert found.text.endswith("since 9 min: it answered 503.")


def test_the_old_name_of_its_address_is_still_read_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_HEARTBEAT_URL", "https://deadman.example.test/obviously-fake")
    configuration.cache_clear()
    assert [one.level for one in selftests.deadman(around())] == [Level.PROBLEM]
    renamed = [one for one in servers.settings(around()) if "VIGIL_HEARTBEAT_URL" in one.text]
    assert [(one.level, one.advice) for one in renamed] == [(Level.WARNING, "Use VIGIL_DEADMAN_URL.")]
    monkeypatch.undo()
    configuration.cache_clear()


def test_a_feed_that_is_on_and_not_read_is_a_warning() -> None:
    Feed.objects.create(provider="openai", enabled=False)
    Feed.objects.create(provider="cohere", enabled=True, problem="it answered 503")
    (found,) = selftests.feeds(around())
    assert found.level is Level.WARNING and found.text == "The status feed of Cohere is not read: it answered 503"
