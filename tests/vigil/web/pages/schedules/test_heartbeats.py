"""The pages of jobs: trouble first, runs on their schedule, and an address that only writers see."""

from __future__ import annotations

import gzip
import json

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.vigil.heartbeats.jobs import ago, call, job, logged, nobody
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.heartbeats.apply import apply_entries
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.models import Heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    # The first page of some minutes notes that the session is in use.
    client.get("/more")
    return client


@pytest.fixture
def row(redis_url: str) -> Heartbeat:
    """A job with three runs, the last of which failed."""
    made = job("embed <documents>", budget={"max_cost": 2})
    pings = []
    for hours, facts in ((4, {"items": 10, "tokens": 900, "cost": 0.5}), (3, {"items": 20, "cost": 1.5}),
                         (2, {"items": 30, "cost": 1})):  # fmt: skip
        pings.append(call(made, ago(hours=hours), PingKind.START))
        pings.append(call(made, ago(hours=hours, minutes=-5), body=json.dumps(facts).encode()))
    pings.append(call(made, ago(hours=1), PingKind.FAIL, exit_code=1, body=b"out of <memory>" + b"x" * 11_000))
    apply_entries([logged(*pings)], nobody)
    made.refresh_from_db()
    return made


def member(role: Role, team: Team | None = None) -> Client:
    user = User.objects.create_user(f"a {role}")
    Membership.objects.create(user=user, team=team or default_team(), role=role)
    client = Client()
    client.force_login(user)
    return client


def path(row: Heartbeat) -> str:
    return f"/heartbeats/{row.monitor.public_id}"


def test_the_list_puts_trouble_first_in_few_queries(
    boss: Client, row: Heartbeat, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        job(f"a job {number:02}")
    with django_assert_max_num_queries(12):
        answer = boss.get("/heartbeats")
    text = answer.content.decode()
    assert "1 of 31 jobs needs attention" in text and "<documents>" not in text
    assert text.index("embed &lt;documents&gt;") < text.index("a job 00")
    assert len(gzip.compress(answer.content)) < 12_000
    found = boss.get("/heartbeats?q=EMBED&state=down").content.decode()
    assert "embed &lt;documents&gt;" in found and "a job 00" not in found
    assert "No job matches these filters." in boss.get("/heartbeats?state=late&q=nothing").content.decode()


def test_the_page_shows_runs_output_and_figures_in_few_queries(
    boss: Client, row: Heartbeat, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(14):
        answer = boss.get(path(row))
    text = answer.content.decode()
    assert "Should call every 1 h" in text and 'class="failed"' in text and "Failed, exit 1" in text
    assert "3 in 3 runs" in text and "at most 2 a run" in text and "the highest bar took 5 min" in text
    assert "out of &lt;memory&gt;" not in text and "Show all that is kept" in text
    assert "out of &lt;memory&gt;" in boss.get(f"{path(row)}?output=all").content.decode()
    assert text.count("<h1") == 1 and "style=" not in text
    assert len(gzip.compress(answer.content)) < 15_000


def test_the_address_of_its_monitor_leads_to_it(boss: Client, row: Heartbeat) -> None:
    public_id = row.monitor.public_id
    assert boss.get(f"/monitors/{public_id}")["Location"] == f"/heartbeats/{public_id}"


def test_only_writers_see_the_address_and_pause_a_job(boss: Client, row: Heartbeat) -> None:
    viewer = member(Role.VIEWER)
    text = viewer.get(path(row)).content.decode()
    assert str(row.code) not in text and "Only writers see the address." in text and "/pause" not in text
    assert viewer.post(f"{path(row)}/pause", {"do": "pause"}).status_code == 403
    assert str(row.code) in boss.get(path(row)).content.decode()
    for wish, paused in (("nothing", False), ("wait", True), ("resume", False), ("pause", True)):
        assert boss.post(f"{path(row)}/pause", {"do": wish}).status_code == 302
        row.monitor.refresh_from_db()
        assert row.monitor.paused is paused
    assert "Resume" in boss.get(path(row)).content.decode()


def test_a_job_that_never_called_shows_one_line_and_then_its_first_call(boss: Client, redis_url: str) -> None:
    row = job("new one")
    assert "1 of 1 job has not called yet" in boss.get("/heartbeats").content.decode()
    text = boss.get(path(row)).content.decode()
    assert "Waiting for the first call" in text and f"curl -fsS -m 10 http://testserver/ping/{row.code}" in text
    assert boss.get(f"{path(row)}/first-call").status_code == 204
    apply_entries([logged(call(row, ago(seconds=1)))], nobody)
    assert boss.get(f"{path(row)}/first-call")["HX-Refresh"] == "true"
    assert "Waiting for the first call" not in boss.get(path(row)).content.decode()


def test_jobs_of_another_team_are_not_there(row: Heartbeat) -> None:
    stranger = member(Role.OWNER, Team.objects.create(name="others"))
    assert "No job calls yet" in stranger.get("/heartbeats").content.decode()
    for address in (path(row), f"{path(row)}/first-call"):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"{path(row)}/pause", {"do": "pause"}).status_code == 404
