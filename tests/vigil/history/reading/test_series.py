"""Rollups and charts: the same answer from checks, hours and days; packing, closing and retention in between."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from probes.reasons import Reason, Status
from probes.wire import Result, encode
from tests.vigil.history.stage import Stage
from vigil.accounts.models import Scope, Team
from vigil.accounts.tokens import issue_token
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import Rollup, merged
from vigil.history.models import PackedHour, RecordedDay, RecordedHour, RolledDay, RolledHours
from vigil.history.reading import series
from vigil.history.recording.intake import Intake, ReadPosition
from vigil.history.recording.write import write
from vigil.history.storage import daily_rollup, partitions, retention
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.history.storage.partitions import Partitioned


class Past:
    """Records results as the recorder would, of days that are over."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.region = stage.regions["eu"].pk
        self.position: str | None = None
        self.rnd = random.Random(5)

    def record(self, results: list[Result], region: str = "eu") -> None:
        key = self.stage.regions[region].pk
        intake = Intake({self.stage.monitor.public_id: self.stage.monitor.pk})
        for result in results:
            intake.take(key, f"{result.at_ms}-0", encode([result]), self.stage.now_ms())
        self.position, before = f"{results[-1].at_ms}-1", self.position
        write(intake, {key: ReadPosition(before, self.position)})

    def day(self, day: int, every_ms: int = 600_000) -> list[Result]:
        found = []
        for at_ms in range(day * DAY_MS + 1_000, (day + 1) * DAY_MS, every_ms):
            failed = self.rnd.random() < 0.05
            status, reason = (Status.DOWN, Reason.TIMEOUT) if failed else (Status.UP, Reason.OK)
            found.append(self.stage.result(at_ms, status, reason, round(80_000 * self.rnd.lognormvariate(0, 0.5))))
        return found

    def pack_all(self) -> None:
        for hour in list(RecordedHour.objects.filter(state="open").values_list("hour", flat=True)):
            self.stage.pack(hour)

    def close_all(self) -> None:
        while (day := daily_rollup.next_day(self.stage.now_ms() + DAY_MS, 0)) is not None:
            self.stage.close(day)


@pytest.fixture
def past(stage: Stage) -> Past:
    return Past(stage)


def expected(results: list[Result]) -> Rollup:
    from vigil.history.core import packing, rollups

    entries = [packing.entry(one) for one in results]
    return rollups.of_checks([one >> 22 & 511 for one in entries], [one >> 11 & 2047 for one in entries])


def test_any_range_gives_the_same_rollup_before_and_after_it_is_packed_and_rolled_up(past: Past) -> None:
    monitor, regions = past.stage.monitor.pk, [past.region]
    today = past.stage.now_ms() // DAY_MS
    first = (today - 3) * DAY_MS
    results = [result for day in range(today - 3, today) for result in past.day(day)]
    ranges = [
        (first, today * DAY_MS),
        (first + 1, today * DAY_MS - 1),
        (first + HOUR_MS // 2, first + HOUR_MS * 40 + 77_000),
        (first + HOUR_MS * 5, first + HOUR_MS * 6),
        (first + 600_000, first + 1_800_000),
        (first + 5, first + 6),
    ]
    wanted = [expected([one for one in results if start <= one.at_ms < end]) for start, end in ranges]

    def answers() -> list[Rollup]:
        return [series.over(monitor, regions, start, end) for start, end in ranges]

    for result_day in range(3):
        past.record(results[result_day * 144 : (result_day + 1) * 144])
    # Days that the recorder has seen nothing packed of are young enough to be read as checks.
    past.pack_all()
    assert answers() == wanted
    past.close_all()
    assert set(RecordedDay.objects.values_list("state", flat=True)) == {"done"}
    assert answers() == wanted
    # From here on the checks are not needed for whole hours.
    partitions.drop(partitions.PACKED_HOURS, first // HOUR_MS)
    assert answers()[0] == wanted[0] and answers()[3] == wanted[3]


def test_a_late_result_is_in_the_rollups_of_a_day_that_was_closed(past: Past) -> None:
    yesterday = past.stage.now_ms() // DAY_MS - 1
    results = past.day(yesterday)
    past.record(results[::2])
    past.pack_all()
    past.close_all()
    past.record(results[1::2])
    past.pack_all()
    past.close_all()
    assert RolledDay.objects.count() == RolledHours.objects.count() == 1
    by_day = series.days(past.stage.monitor.pk, [past.region], yesterday, yesterday)
    assert by_day[yesterday] == expected(results)


def test_hours_and_minutes_are_the_day_cut_in_pieces(past: Past) -> None:
    monitor, regions = past.stage.monitor.pk, [past.region]
    yesterday = past.stage.now_ms() // DAY_MS - 1
    results = past.day(yesterday)
    past.record(results)
    past.pack_all()
    past.close_all()
    start, end = yesterday * DAY_MS, (yesterday + 1) * DAY_MS
    hours = series.hours(monitor, regions, start, end)[past.region]
    assert list(hours) == list(range(start, end, HOUR_MS))
    assert merged(hours.values()) == expected(results)
    four = series.hours(monitor, regions, start, end, 4)[past.region]
    assert list(four) == list(range(start, end, 4 * HOUR_MS)) and merged(four.values()) == expected(results)
    ten = series.minutes(monitor, regions, start, end, 600_000)[past.region]
    assert [one.checks for one in ten.values()] == [1] * 144


def test_partitions_that_are_past_their_time_are_dropped_and_no_others(past: Past) -> None:
    day = past.stage.now_ms() // DAY_MS
    for age in (0, 29, 40, 500):
        for table in (partitions.PACKED_HOURS, partitions.ROLLED_HOURS, partitions.ROLLED_DAYS):
            from django.db import transaction

            with transaction.atomic():
                partitions.ensure(table, (day - age) * (24 if table.column == "hour" else 1))
    dropped = retention.drop_outdated(past.stage.now_ms())
    assert partitions.PACKED_HOURS.partition((day - 40) * 24) in dropped
    assert partitions.ROLLED_HOURS.partition(day - 500) in dropped

    def has(table: Partitioned, value: int) -> bool:
        return table.start(value) in partitions.starts(table)

    assert has(partitions.PACKED_HOURS, day * 24) and has(partitions.PACKED_HOURS, (day - 29) * 24)
    assert has(partitions.ROLLED_HOURS, day - 40), "hours are kept for 400 days"
    assert has(partitions.ROLLED_DAYS, day - 500), "days are kept without end"


class Asked:
    def __init__(self, team: Team) -> None:
        self.headers = {"authorization": f"Bearer {issue_token(team, 't', [Scope.READ])[1]}"}

    def __call__(self, path: str) -> tuple[int, Any]:
        answer = Client().get(f"/api/v1/{path}", headers=self.headers)
        return answer.status_code, json.loads(answer.content)


@pytest.fixture
def asked(past: Past) -> Asked:
    yesterday = past.stage.now_ms() // DAY_MS - 1
    past.record(past.day(yesterday))
    past.pack_all()
    past.close_all()
    return Asked(past.stage.monitor.team)


def test_the_api_draws_a_chart_of_each_region(past: Past, asked: Asked) -> None:
    monitor = past.stage.monitor.public_id
    status, chart = asked(f"monitors/{monitor}/latency?hours=48")
    assert status == 200 and list(chart["regions"]) == ["eu"] and chart["error"] == 0.01
    steps = chart["regions"]["eu"]
    assert sum(step["up"] + step["down"] for step in steps) == 144
    assert all(0 < step["p50"] <= step["p90"] <= step["p95"] <= step["p99"] for step in steps if step["up"])
    assert asked(f"monitors/{monitor}/latency?hours=48&step_s=3600&regions=us")[1]["regions"] == {}


def test_the_api_gives_percentiles_by_day_month_or_all_at_once(past: Past, asked: Asked) -> None:
    monitor = past.stage.monitor.public_id
    by_day = asked(f"monitors/{monitor}/percentiles?days=30")[1]["steps"]
    assert len(by_day) == 1 and by_day[0]["up"] + by_day[0]["down"] == 144
    for by in ("week", "month", "all"):
        steps = asked(f"monitors/{monitor}/percentiles?days=30&by={by}")[1]["steps"]
        assert [step["p99"] for step in steps] == [by_day[0]["p99"]]


def test_the_api_gives_percentiles_of_any_range_to_the_second(past: Past, asked: Asked) -> None:
    monitor, yesterday = past.stage.monitor.public_id, past.stage.now_ms() // DAY_MS - 1
    start = datetime.fromtimestamp(yesterday * 86_400 + 3_601, UTC)
    end = start + timedelta(hours=5, minutes=20)
    query = f"by=all&from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"
    step = asked(f"monitors/{monitor}/percentiles?{query}")[1]["steps"][0]
    # A check every ten minutes, a second after each: from 01:00:01 on, without that of 06:20:01.
    assert step["up"] + step["down"] == 32
    assert asked(f"monitors/{monitor}/percentiles?{query}&regions=us")[1]["steps"][0]["p50"] is None


def test_the_api_gives_every_check_of_a_few_hours(past: Past, asked: Asked) -> None:
    now_ms = past.stage.now_ms()
    refused = past.stage.result(now_ms - 5_000, Status.DOWN, Reason.REFUSED)
    past.record([past.stage.result(now_ms - 65_000, total_us=80_000), refused])
    answer = asked(f"monitors/{past.stage.monitor.public_id}/checks?hours=1")[1]
    seen = [(check["status"], check["reason"]) for check in answer["regions"]["eu"]]
    assert seen[-2:] == [("up", "ok"), ("down", "refused")]
    assert abs(answer["regions"]["eu"][-2]["total_ms"] - 80) <= 0.8
    assert answer["failures"]["eu"][-1]["reason"] == "refused"


def test_the_api_gives_uptime_for_a_monitor_and_for_a_tag(past: Past, asked: Asked) -> None:
    status, answer = asked(f"monitors/{past.stage.monitor.public_id}/uptime?days=90&tz=Europe/Berlin")
    assert status == 200 and len(answer["days"]) == 90
    whole = sum(answer[kind] for kind in ("up_s", "down_s", "excluded_s", "maintenance_s"))
    assert whole == sum(
        day[kind] for day in answer["days"] for kind in ("up_s", "down_s", "excluded_s", "maintenance_s")
    )
    assert [one["id"] for one in asked("uptime?days=7")[1]["monitors"]] == [past.stage.monitor.public_id]
    assert asked("uptime?days=7&tag=none")[1]["monitors"] == []


def test_the_api_gives_all_states_at_once(past: Past, asked: Asked) -> None:
    states = asked("states")[1]["states"]
    assert [(one["id"], one["status"], one["paused"]) for one in states] == [
        (past.stage.monitor.public_id, "unknown", False)
    ]


def test_nobody_reads_the_history_of_another_team(past: Past, asked: Asked) -> None:
    stranger = Asked(Team.objects.create(name="Other", slug="other"))
    for path in ("uptime", "latency", "percentiles", "checks"):
        assert stranger(f"monitors/{past.stage.monitor.public_id}/{path}")[0] == 404
    assert stranger("states")[1]["states"] == [] == stranger("uptime")[1]["monitors"]


def test_a_question_without_a_bound_is_refused_with_the_field(past: Past, asked: Asked) -> None:
    refused = {
        "uptime?days=0": "days",
        "uptime?days=99999999999999999999": "days",
        "uptime?tz=Mars/Olympus": "tz",
        "uptime?from=yesterday": "from",
        "uptime?from=2030-99-99": "from",
        "uptime?from=9999-12-31T23:59:59Z": "from",
        "latency?hours=745": "hours",
        "latency?hours=744&step_s=60": "step_s",
        "latency?step_s=1": "step_s",
        "percentiles?by=decade": "by",
        "checks?hours=25": "hours",
    }
    for query, field in refused.items():
        status, answer = asked(f"monitors/{past.stage.monitor.public_id}/{query}")
        assert (status, [wrong["field"] for wrong in answer["errors"]]) == (400, [field]), query


def test_packed_rows_are_one_for_each_region_and_hour(past: Past) -> None:
    yesterday = past.stage.now_ms() // DAY_MS - 1
    past.record(past.day(yesterday))
    past.pack_all()
    assert PackedHour.objects.count() == 24
