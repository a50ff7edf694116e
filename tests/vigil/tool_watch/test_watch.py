"""A changed tool of an MCP server becomes one notice; tools and engines stand in API, page and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone
from prometheus_client import CollectorRegistry

from consensus.verdicts import Exclusion, Quarantine
from probes import keys, wire
from probes.ai.engines import ENGINES
from probes.ai.mcp import report as mcp_report
from probes.ai.saturation import report as engine_report
from probes.ai.saturation.judge import EngineMemory, Thresholds, judge
from probes.ai.saturation.sample import read
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from tests.probes.ai.mcp.test_conversation import talk
from tests.signed import hold_quarantines
from tests.vigil.api.caller import Api
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.configuration import configuration
from vigil.demo.engine_pages.fleet import fleet_page
from vigil.demo.mcp import POISONED, TOOLS, FakeMcpServer
from vigil.metrics.ai.engines import EngineCollector
from vigil.monitors.changes import create_monitor, set_paused
from vigil.monitors.live.results import redis_client, region_client
from vigil.monitors.models import Monitor, Region
from vigil.notices.models import StoredNotice
from vigil.tool_watch.models import ToolList
from vigil.tool_watch.watch import A_DAY_MOST, watch_tools

pytestmark = pytest.mark.django_db
REGIONS = ("eu", "us", "ap")


class Stage:
    """Three regions that tell what they see, and a clock."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.now: datetime = timezone.now()
        self.regions = [Region.objects.create(slug=slug, domain=slug) for slug in REGIONS]

    def monitor(self, kind: str, **config: Any) -> Monitor:
        wanted = {"name": "Docs", "kind": kind, "config": config, "interval_s": 60, "regions": self.regions}
        return create_monitor(default_team(), wanted)

    def tell(self, monitor: Monitor, facts: dict[str, Any], *regions: str) -> None:
        at_ms = int(self.now.timestamp() * 1000)
        result = Result(1, monitor.public_id, at_ms, Status.UP, Reason.OK, at_ms, Phases(), facts=facts)
        for region in regions or REGIONS:
            self.client.hset(keys.latest(region), monitor.public_id, wire.encode(result))

    def look(self) -> int:
        """One look a minute later."""
        self.now += timedelta(minutes=1)
        return watch_tools(enqueue_notices, self.now)


@pytest.fixture
def stage(redis_url: str) -> Iterator[Stage]:
    caches = (configuration, redis_client, region_client)
    for cache in caches:
        cache.cache_clear()
    with redis.Redis.from_url(redis_url) as client:
        yield Stage(client)
    for cache in caches:
        cache.cache_clear()


def tools_facts(tools: Any) -> dict[str, Any]:
    return dict(mcp_report.facts(talk(FakeMcpServer(tools=tools))[0]))


def test_regions_in_quarantine_change_no_list(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    stage.tell(monitor, tools_facts(TOOLS))
    stage.look()
    stage.tell(monitor, tools_facts(POISONED), "eu", "us")
    hold_quarantines(stage.client, *(Quarantine(1, region, 1, Exclusion.SICK) for region in ("eu", "us")))
    assert [stage.look() for _ in range(3)] == [0, 0, 0]
    hold_quarantines(stage.client)
    assert [stage.look() for _ in range(3)] == [0, 0, 1]


def test_a_list_of_the_future_is_none(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    stage.now += timedelta(days=1)
    stage.tell(monitor, tools_facts(TOOLS))
    stage.now -= timedelta(days=1)
    stage.look()
    assert not ToolList.objects.exists()


def test_a_changed_description_becomes_one_notice_with_before_and_after(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    assert stage.look() == 0 and not ToolList.objects.exists()
    stage.tell(monitor, tools_facts(TOOLS))
    assert [stage.look() for _ in range(3)] == [0, 0, 0]
    stage.tell(monitor, tools_facts(POISONED), "eu")
    assert [stage.look() for _ in range(2)] == [0, 0]
    stage.tell(monitor, tools_facts(POISONED), "us")
    assert [stage.look() for _ in range(4)] == [0, 0, 1, 0]
    notice = StoredNotice.objects.get()
    assert (notice.kind, notice.title, notice.monitor) == ("tools_changed", "Docs: 1 tool with other words", monitor)
    assert notice.before.startswith("search (words ") and notice.after.startswith("search (words ")
    assert notice.before != notice.after


def test_results_of_one_check_are_one_look_however_often_they_are_looked_at(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    Monitor.objects.filter(pk=monitor.pk).update(interval_s=300)
    stage.tell(monitor, tools_facts(TOOLS))
    stage.look()
    stage.tell(monitor, tools_facts(POISONED))
    assert [stage.look() for _ in range(5)] == [0] * 5
    stage.tell(monitor, tools_facts(TOOLS))
    assert [stage.look() for _ in range(3)] == [0] * 3


def test_a_server_that_changes_all_the_time_is_told_ten_times_a_day(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    told = 0
    for number in range(40):
        tool = {"name": f"tool-{number}", "description": "x", "inputSchema": {"type": "object"}}
        stage.tell(monitor, tools_facts([tool]))
        told += sum(stage.look() for _ in range(3))
    assert told == A_DAY_MOST


def test_a_list_that_stays_the_same_is_written_every_five_minutes_and_not_at_each_look(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    seen = []
    for _ in range(12):
        stage.tell(monitor, tools_facts(TOOLS))
        stage.look()
        seen.append(ToolList.objects.get().seen_at)
    assert len(set(seen)) == 3
    assert ToolList.objects.get().changed_at == seen[0]


def test_what_is_old_of_another_revision_paused_or_broken_tells_nothing(stage: Stage) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    stage.tell(monitor, tools_facts(TOOLS))
    stage.look()
    stage.tell(monitor, {**tools_facts(POISONED), "mcp_tools_0": "["})
    stage.look()
    assert ToolList.objects.get().candidate and [stage.look() for _ in range(2)] == [0, 1]
    assert ToolList.objects.get().tools is None
    stage.tell(monitor, tools_facts(TOOLS))
    stage.now += timedelta(hours=1)
    assert [stage.look() for _ in range(3)] == [0, 0, 0]
    set_paused(monitor, True)
    stage.tell(monitor, tools_facts(TOOLS))
    assert [stage.look() for _ in range(3)] == [0, 0, 0]


def test_the_tools_stand_in_the_api_and_on_the_page(stage: Stage, client: Client) -> None:
    monitor = stage.monitor("mcp", url="https://tools.example/mcp")
    api = Api(default_team(), Scope.READ)
    assert api("GET", f"monitors/{monitor.public_id}/tools")[1]["count"] is None
    stage.tell(monitor, tools_facts(TOOLS))
    stage.look()
    status, told = api("GET", f"monitors/{monitor.public_id}/tools")
    assert (status, told["count"], told["server"], told["version"]) == (200, 3, "demo-tools 2.0", "2026-07-28")
    assert [tool["name"] for tool in told["tools"]] == ["create_ticket", "fetch", "search"]
    client.force_login(ensure_first_admin())
    text = client.get(f"/monitors/{monitor.public_id}").content.decode()
    assert "create_ticket" in text and "demo-tools 2.0" in text
    assert sample("vigil_ai_mcp_servers", version="2026-07-28") == 1


def engine_facts(*at_s: float, hanging: int | None = 3) -> dict[str, Any]:
    """Facts of the last of some looks at eight engines."""
    memory: EngineMemory | None = None
    for now_s in at_s:
        page = read(ENGINES["vllm"], fleet_page(now_s, hanging).encode())
        judged = judge(memory, page, now_s, Thresholds(), fixed=True)
        memory = judged.memory
    return dict(engine_report.facts(page, judged))


def test_one_of_eight_engines_that_hangs_is_named_in_the_api_on_the_page_and_in_metrics(
    stage: Stage, client: Client
) -> None:
    monitor = stage.monitor("saturation", url="http://gpu.example:8000/metrics", engine="vllm")
    stage.tell(monitor, engine_facts(1e6, 1e6 + 60, 1e6 + 120), "eu")
    status, told = Api(default_team(), Scope.READ)("GET", f"monitors/{monitor.public_id}/engines")
    assert status == 200
    eu = next(row for row in told["regions"] if row["region"] == "eu")
    assert (eu["count"], len(eu["engines"])) == (8, 8)
    assert eu["engines"][0] == {
        "name": "engine 3", "phase": "stalled", "running": 4, "waiting": 2, "cache_percent": 40, "still_s": 120,
    }  # fmt: skip
    assert {engine["phase"] for engine in eu["engines"][1:]} == {"moving"}
    assert eu["numbers"]["queue_age_s"] == 120
    client.force_login(ensure_first_admin())
    text = client.get(f"/monitors/{monitor.public_id}").content.decode()
    assert "engine 3" in text and "Stalled" in text and "1 of 8" in text
    assert (sample("vigil_ai_engines", phase="stalled"), sample("vigil_ai_engines", phase="moving")) == (1, 7)
    assert sample("vigil_ai_queue_age_seconds") == 120
    stage.now -= timedelta(hours=1)
    stage.tell(monitor, engine_facts(1e6, 1e6 + 60, 1e6 + 120), "eu")
    assert (sample("vigil_ai_engines", phase="stalled"), sample("vigil_ai_queue_age_seconds")) == (0, 0)


def sample(name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(EngineCollector())
    return registry.get_sample_value(name, labels)


def test_what_a_region_makes_up_of_engines_is_left_out(stage: Stage) -> None:
    monitor = stage.monitor("saturation", url="http://gpu.example:8000/metrics", engine="vllm")
    odd = {"engine_0": "[", "engine_1": '["a","on fire",1,1,1,1]', "engine_2": '["b","idle",-5,1e400,"x",null]',
           "engines": 1e300, "queue_age_s": -3, "engine_phase": 7}  # fmt: skip
    stage.tell(monitor, odd, "eu")
    told = Api(default_team(), Scope.READ)("GET", f"monitors/{monitor.public_id}/engines")[1]
    eu = next(row for row in told["regions"] if row["region"] == "eu")
    assert (eu["engines"], eu["numbers"]) == (
        [{"name": "b", "phase": "idle", "running": None, "waiting": None, "cache_percent": None, "still_s": 0}], {},
    )  # fmt: skip
