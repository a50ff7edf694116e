"""Results of any window: by pages and as CSV, an incident of last Tuesday included, and days of a time zone."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from probes.reasons import Reason, Status
from probes.wire import Result, encode
from tests.vigil.api.caller import Api
from tests.vigil.history.stage import Stage
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.api.history.csv_rows import cell
from vigil.history.core.packing import HOUR_MS
from vigil.history.recording.intake import Intake, ReadPosition
from vigil.history.recording.write import write
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(redis_url: str) -> Stage:
    regions = {slug: Region.objects.create(slug=slug, domain=slug) for slug in ("eu", "us")}
    fields = {"name": "m", "kind": "http", "config": {"url": "https://x.test/"}, "regions": list(regions.values())}
    return Stage(redis.Redis.from_url(redis_url), create_monitor(default_team(), fields), regions)


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def record(stage: Stage, region: str, results: list[Result]) -> None:
    key = stage.regions[region].pk
    intake = Intake({stage.monitor.public_id: stage.monitor.pk})
    for result in results:
        intake.take(key, f"{result.at_ms}-0", encode([result]), stage.now_ms())
    write(intake, {key: ReadPosition(None, f"{results[-1].at_ms}-1")})


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def last_tuesday(stage: Stage) -> int:
    """The start of a day that was over a week ago, with checks every ten minutes from two regions."""
    start_ms = (stage.now_ms() // DAY_MS - 8) * DAY_MS
    slots = range(start_ms + 2_000, start_ms + 3 * HOUR_MS, 600_000)
    record(stage, "eu", [stage.result(at) for at in slots])
    failed = [stage.result(at, Status.DOWN, Reason.TIMEOUT) for at in slots]
    record(stage, "us", failed)
    stage.pack(start_ms // HOUR_MS)
    return start_ms


def test_a_window_of_last_week_is_read_by_pages_in_order_of_time(stage: Stage, api: Api) -> None:
    start_ms = last_tuesday(stage)
    path = f"monitors/{stage.monitor.public_id}/results?from={iso(start_ms)}&to={iso(start_ms + DAY_MS)}&limit=15"
    seen: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        code, page = api("GET", following)
        assert code == 200 and len(page["results"]) <= 15
        seen += page["results"]
        following = page["next"] and page["next"].partition("/api/v1/")[2]
    assert len(seen) == 36
    assert [row["at"] for row in seen] == sorted(row["at"] for row in seen)
    assert len({(row["at"], row["region"]) for row in seen}) == 36
    assert {(row["region"], row["status"]) for row in seen} == {("eu", "up"), ("us", "down")}
    _, charts = api("GET", path.replace("/results", "/checks").replace("&limit=15", ""))
    assert {region: len(rows) for region, rows in charts["regions"].items()} == {"eu": 18, "us": 18}
    _, rollups = api("GET", path.replace("/results", "/rollups").replace("&limit=15", "&by=day"))
    assert [(row["region"], row["up"], row["down"]) for row in rollups["results"]] == [("eu", 18, 0), ("us", 0, 18)]


def test_csv_is_one_page_with_a_link_to_the_next_and_runs_no_formula(stage: Stage, api: Api) -> None:
    start_ms = last_tuesday(stage)
    address = f"/api/v1/monitors/{stage.monitor.public_id}/results?from={iso(start_ms)}&to={iso(start_ms + DAY_MS)}"
    asked = {"authorization": f"Bearer {api.plain}"}
    answer = api.client.get(f"{address}&format=csv&limit=30", headers=asked)
    assert answer["Content-Type"].startswith("text/csv")
    assert 'rel="next"' in answer["Link"] and "cursor=" in answer["Link"]
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert len(rows) == 30
    assert {row["region"] for row in rows} == {"eu", "us"}
    accepted = api.client.get(address, headers={**asked, "accept": "text/csv"})
    assert accepted.getvalue().count(b"\r\n") == 37
    assert "Link" not in accepted
    assert [cell(text) for text in ("=1+1", " -2", "\t@x", "\uff1d1", "plain", -3, None)] == [
        "'=1+1", "' -2", "'\t@x", "'\uff1d1", "plain", "-3", "",
    ]  # fmt: skip


def test_windows_are_bounded_and_cursors_checked(stage: Stage, api: Api) -> None:
    path = f"monitors/{stage.monitor.public_id}"
    for wrong in (
        "results?from=2020-01-01", "results?from=2020-02-01&to=2020-01-01", "results?cursor=1.2", "results?limit=5001",
        "results?tz=Mars/Base", "rollups?by=week", "rollups?from=2019-01-01&by=day", "latency?from=2020-01-01",
        "checks?from=2020-01-01&to=2020-01-03",
    ):  # fmt: skip
        assert api("GET", f"{path}/{wrong}")[0] == 400, wrong
    stranger = Api(Team.objects.create(name="b", slug="b"))
    assert stranger("GET", f"{path}/results")[0] == 404
    assert stranger("GET", f"{path}/rollups?format=csv")[0] == 404


def test_percentiles_by_day_of_a_time_zone_begin_at_its_midnight(stage: Stage, api: Api) -> None:
    day_ms = (stage.now_ms() // DAY_MS - 5) * DAY_MS
    record(stage, "eu", [stage.result(day_ms + hour * HOUR_MS + 1_000) for hour in (0, 10, 14, 23)])
    for hour in (0, 10, 14, 23):
        stage.pack(day_ms // HOUR_MS + hour)
    base = f"monitors/{stage.monitor.public_id}/percentiles?from={iso(day_ms - DAY_MS)}&to={iso(day_ms + 2 * DAY_MS)}"
    days = {zone: [row["up"] for row in api("GET", f"{base}&tz={zone}")[1]["steps"]] for zone in ("UTC", "Asia/Tokyo")}
    # Tokyo is nine hours ahead: what is after 15:00 UTC is of its next day.
    assert days == {"UTC": [4], "Asia/Tokyo": [3, 1]}
