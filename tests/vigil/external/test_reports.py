"""External incidents: a team's private address, one incident for each group, and an end for every one."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from tests.vigil.external.core.test_alertmanager import one, payload
from vigil import guess_limits
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery, Route
from vigil.alerts.outbox import enqueue
from vigil.cli.processes.listening import name_route
from vigil.external import take, views
from vigil.external.models import ExternalReport
from vigil.heartbeats.core.rate_limit import Rates
from vigil.heartbeats.models import TeamPings
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    guess_limits.SECRETS.forget()
    monkeypatch.setattr(views, "_rates", Rates())


@pytest.fixture
def key() -> str:
    return TeamPings.objects.get_or_create(team=default_team())[0].key


def report(key: str, document: Any) -> tuple[int, str]:
    answer = Client().post(f"/external/alertmanager/{key}", document, content_type="application/json")
    return answer.status_code, answer.content.decode().strip()


def test_a_group_opens_one_incident_and_ends_it(key: str) -> None:
    said = [report(key, payload(status)) for status in ("firing", "firing", "resolved", "resolved", "firing")]
    assert [words for _, words in said] == ["opened", "kept", "resolved", "nothing_open", "opened"]
    first, second = Incident.objects.order_by("pk")
    assert (first.kind, first.title, first.resolved_at is not None) == ("external", "DiskFull", True)
    assert second.resolved_at is None
    assert [(row.step, row.reason) for row in first.transitions.order_by("seq")] == [
        ("opened", "external_firing"),
        ("resolved", "external_resolved"),
    ]


def test_it_is_routed_as_every_incident_that_pages(key: str) -> None:
    channel = Channel.objects.create(team=default_team(), name="ops", kind="ntfy")
    Route.objects.create(team=default_team(), name="all", position=0).channels.add(channel)
    report(key, payload("firing"))
    report(key, payload("resolved"))
    assert list(Delivery.objects.order_by("pk").values_list("event", flat=True)) == ["trigger", "resolve"]


def test_two_groups_are_two_incidents_and_two_teams_share_none(key: str) -> None:
    other = TeamPings.objects.create(team=Team.objects.create(name="Other", slug="other"))
    for address, group in ((key, "a"), (key, "b"), (other.key, "a")):
        assert report(address, payload(groupKey=group)) == (200, "opened")
    assert report(other.key, payload("resolved", groupKey="a")) == (200, "resolved")
    assert Incident.objects.filter(team=default_team(), resolved_at=None).count() == 2


def test_without_another_word_it_ends_when_nobody_vouches_for_it(key: str) -> None:
    report(key, payload())
    assert take.end_unvouched(enqueue) == 0
    ExternalReport.objects.update(ends_at=F("ends_at") - timedelta(days=2))
    assert (take.end_unvouched(enqueue), take.end_unvouched(enqueue)) == (1, 0)
    assert next(row.reason for row in Incident.objects.get().transitions.order_by("-seq")) == "external_unheard"


def test_what_it_is_called_follows_its_last_report(key: str) -> None:
    report(key, payload())
    report(key, payload("firing", one(), one()))
    assert Incident.objects.get().title == "DiskFull (2 alerts)"


def test_a_team_has_a_bounded_number_of_them_open(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "OPEN_MOST", 2)
    codes = [report(key, payload(groupKey=group))[0] for group in ("a", "b", "c", "a")]
    assert codes == [200, 200, 503, 200]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", 400), (b"[]", 400), (b'{"version": "4", "groupKey": "\\u0000"}', 400), (b" " * 2_100_000, 413)],
    ids=["cut", "list", "zero byte", "large"],
)
def test_a_body_that_is_none_is_refused(key: str, body: bytes, code: int) -> None:
    answer = Client().post(f"/external/alertmanager/{key}", body, content_type="application/json")
    assert answer.status_code == code


def test_an_address_that_is_nobodys_is_not_there_and_guessing_is_limited() -> None:
    codes = {report(f"wrong-{number}", payload())[0] for number in range(110)}
    assert codes == {404, 429} and not Incident.objects.exists()


def test_too_many_reports_are_told_to_wait(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_rates", Rates(burst=1.0))
    assert [report(key, payload())[0] for _ in range(2)] == [200, 503]


def test_no_line_of_the_log_holds_the_key_of_an_address(
    key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(views, "_rates", Rates(burst=1.0))
    log = logging.getLogger("django.request")
    log.addFilter(name_route)
    try:
        report(key, payload())
        report(key, payload())
    finally:
        log.removeFilter(name_route)
    assert "Service Unavailable: /external/alertmanager/<str:key>" in caplog.text and key not in caplog.text


def test_only_posts_are_taken(key: str) -> None:
    assert Client().get(f"/external/alertmanager/{key}").status_code == 405
