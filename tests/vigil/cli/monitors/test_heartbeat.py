"""`manage.py heartbeat` makes a heartbeat in one line, lists them with how they are, and knows the usual AI jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from vigil.cli import main
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import Heartbeat

pytestmark = pytest.mark.django_db
Said = Callable[..., Any]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*arguments: str) -> Any:
        assert main(["heartbeat", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_one_line_makes_a_heartbeat_and_prints_what_to_call(said: Said) -> None:
    made = said(
        "add", "Embed documents", "--job", "embeddings", "--tag", "rag", "--tag", "nightly", "--priority", "high"
    )
    row = Heartbeat.objects.select_related("monitor").get()
    assert made == {"id": row.monitor.public_id, "name": "Embed documents", "ping": made["ping"]}
    assert str(row.code) in made["ping"]
    assert (row.period_s, row.grace_s, row.monitor.tags) == (3_600, 1_200, ["rag", "nightly"])
    assert said("list") == [{**made, "status": "new", "priority": "high"}]


def test_without_json_it_is_a_line_to_copy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["heartbeat", "list"]) == 0
    assert capsys.readouterr().out == "none yet\n"
    assert main(["heartbeat", "add", "queue", "--every", "5m", "--grace", "90s"]) == 0
    row = Heartbeat.objects.select_related("monitor").get()
    assert (row.period_s, row.grace_s) == (300, 90)
    made = capsys.readouterr().out
    assert made.startswith(f"{row.monitor.public_id}  queue: call ") and str(row.code) in made
    assert made.splitlines()[1] == "  Expected every 5 min; missing when 1 min 30 s late."
    assert main(["heartbeat", "list"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["ID", "NAME", "STATUS", "PRIORITY", "PING"]
    assert line.split()[1:4] == ["queue", "new", "normal"]


@pytest.mark.parametrize(
    ("arguments", "schedule", "expression", "zone"),
    [
        (("--cron", "0 2 * * *", "--zone", "Europe/Berlin"), "cron", "0 2 * * *", "Europe/Berlin"),
        (("--oncalendar", "Mon *-*-* 06:00:00"), "oncalendar", "Mon *-*-* 06:00:00", "UTC"),
        (("--job", "nightly-batch", "--zone", "America/New_York"), "cron", "0 2 * * *", "America/New_York"),
    ],
)
def test_every_kind_of_schedule_can_be_given(
    said: Said, arguments: tuple[str, ...], schedule: str, expression: str, zone: str
) -> None:
    said("add", "job", "--grace", "2h", *arguments)
    row = Heartbeat.objects.get()
    assert (row.schedule, row.expression, row.time_zone, row.grace_s) == (schedule, expression, zone, 7_200)


def test_the_usual_jobs_are_shown_with_what_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["heartbeat", "jobs"]) == 0
    heading, first, second, *_ = capsys.readouterr().out.splitlines()
    assert heading.split() == ["JOB", "TITLE", "EXPECTED", "GRACE"]
    assert first.split()[-5:] == ["every", "1", "h", "20", "min"]
    assert second.split()[-7:] == ["0", "2", "*", "*", "*", "2", "h"]


def test_the_usual_jobs_are_listed_with_their_graces(said: Said) -> None:
    assert {row["job"]: row["grace_s"] for row in said("jobs")} == {
        "embeddings": 1_200, "nightly-batch": 7_200, "classification": 2_700, "weekly-report": 10_800, "real-time": 300,
    }  # fmt: skip
    assert len(said("jobs")) == len(SUGGESTIONS)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add",), "give the new heartbeat a name"),
        (("add", "a", "--every", "5"), "'5' is not a length of time: write 90s, 20m, 2h or 7d"),
        (("add", "a", "--every", "5m", "--cron", "* * * * *"), "choose one of --every, --cron and --oncalendar"),
        (("add", "a", "--cron", "99 * * * *"), "expression: "),
        (("add", "a", "--cron", "* * * * *", "--zone", "Mars/Base"), "time_zone: "),
        (("add", "a", "--job", "juggling"), "job: "),
        (("add", "a", "--every", "1s"), "period_s: "),
        (("add", "a", "--every", "400d"), "period_s: "),
    ],
)
def test_what_cannot_be_is_said_in_one_line_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    assert main(["heartbeat", *arguments]) == 2
    told = capsys.readouterr().err
    assert problem in told and told.count("\n") == 1
    assert not Heartbeat.objects.exists()
