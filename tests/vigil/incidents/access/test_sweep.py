"""The sweep tells a quota that ends and regions that are kept out, once, and takes it back; what is seen goes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import redis

from consensus.verdicts import Exclusion, Quarantine
from probes import keys, wire
from probes.reasons import Reason, Status
from probes.wire import Fact, Phases, Result
from tests.signed import hold_quarantines
from tests.vigil.incidents.world import T0, World
from vigil.access.models import KeyHeadroom, RegionAccess
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.history.core.uptime import account
from vigil.history.reading.spans import settled_spans
from vigil.incidents.access.sweep import AccessSweep
from vigil.incidents.composites import sweep_composites
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.incidents.sweep import reconcile_monitors
from vigil.monitors.changes import set_paused, update_monitor
from vigil.monitors.composites import Member, create_composite
from vigil.monitors.live.results import redis_client, region_client
from vigil.monitors.models import Monitor
from vigil.notices.kept_out import tell_kept_out
from vigil.notices.models import StoredNotice

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE_MS = 60_000


class Stage:
    """Monitors whose regions see what is told, and the sweep that reads it."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.world = World()
        self.sweep = AccessSweep(client, self.world.told.append)
        self.now_ms = T0
        self.regions = [region.slug for region in self.world.regions]

    def monitor(self, name: str = "openai", **wanted: Any) -> Monitor:
        made = self.world.monitor(name, "api.openai.com", **wanted)
        self.world.see(made, "pass")
        return made

    def saw(
        self, monitor: Monitor, reason: Reason = Reason.OK, but: Mapping[str, Reason] | None = None, **facts: Any
    ) -> None:
        """Every region reports this of now; `but` some of them another reason."""
        for region in self.regions:
            why = (but or {}).get(region, reason)
            status = Status.UP if why is Reason.OK else Status.UNKNOWN
            result = Result(
                1, monitor.public_id, self.now_ms, status, why, self.now_ms, Phases(), facts=facts, detail=f"saw {why}"
            )
            self.client.hset(keys.latest(region), monitor.public_id, wire.encode(result))

    def turn(self, minutes: float = 1) -> None:
        self.sweep.run_at(self.now_ms)
        sweep_composites(self.world.told.append)
        self.now_ms += round(minutes * MINUTE_MS)

    def falls(self, monitor: Monitor, minutes: int, start: int = 1000, each: int = 30) -> None:
        for minute in range(minutes):
            left = start - each * minute
            self.saw(monitor, ratelimit_requests_limit=1000, ratelimit_requests_remaining=left)
            self.turn()


def steps() -> list[tuple[str, str, str]]:
    found = Transition.objects.order_by("incident_id", "seq").select_related("incident")
    return [(one.incident.kind, one.step, one.reason) for one in found]


@pytest.fixture
def stage(redis_url: str) -> Iterator[Stage]:
    _forget()
    with redis.Redis.from_url(redis_url) as client:
        yield Stage(client)
    _forget()


def _forget() -> None:
    configuration.cache_clear()
    redis_client.cache_clear()
    region_client.cache_clear()


def test_a_quota_that_ends_soon_is_told_once_and_taken_back(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    stage.falls(monitor, 15)

    incident = Incident.objects.get()
    assert steps() == [("degraded", "opened", "headroom_short")]
    assert incident.title.startswith("openai: its quota of requests ends in about ")
    assert (incident.provider, incident.failure) == ("", "rate_limited")
    opened = Transition.objects.get()
    assert "At this slope 429 in about" in opened.text
    assert "5 of 5 regions agree" in opened.text
    assert opened.evidence["headroom"][0]["counted"] == "requests"
    assert MonitorState.objects.get(monitor=monitor).status == Status.UP
    now_s = int(database_now().timestamp())
    Incident.objects.update(started_at=database_now() - timedelta(minutes=30))
    Monitor.objects.update(created_at=database_now() - timedelta(days=1))
    [spans] = settled_spans([monitor], (now_s - 3_600, now_s)).values()
    assert account(spans, (now_s - 600, now_s)).degraded_s == 0

    stage.falls(monitor, 8, start=1000, each=0)
    assert steps()[1:] == [("degraded", "resolved", "headroom_back")]


def test_without_the_setting_the_trend_is_known_and_nobody_is_told(stage: Stage) -> None:
    monitor = stage.monitor()
    stage.falls(monitor, 12)

    [quota] = KeyHeadroom.objects.get(monitor=monitor).quotas
    assert (quota["reason"], quota["agreeing"]) == ("falling", 5)
    assert quota["minutes"] == pytest.approx((1000 - 30 * 11) / 30, abs=1)
    assert not Incident.objects.exists()


def test_what_a_quorum_sees_takes_over_what_was_foretold(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    stage.falls(monitor, 15)
    stage.world.see(monitor, "slow")
    stage.turn()
    stage.world.see(monitor, "fail")
    stage.turn()

    incident = Incident.objects.get()
    assert [step for _, step, _ in steps()] == ["opened", "changed", "changed"]
    assert (incident.cause_key, incident.provider) == ("", "openai")
    changed = Transition.objects.filter(step="changed").earliest("seq")
    assert abs(incident.started_at - changed.at) < timedelta(seconds=1), "what was only foretold is no time lost"
    assert incident.opened_at == incident.started_at
    stage.world.see(monitor, "pass", "pass")
    assert steps()[-1] == ("outage", "resolved", "recovered")


def test_a_paused_monitor_is_told_of_no_more(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    stage.falls(monitor, 15)
    set_paused(monitor, True)
    reconcile_monitors(stage.world.told.append)
    stage.sweep = AccessSweep(stage.client, stage.world.told.append)
    stage.turn()

    assert [step for _, step, _ in steps()] == ["opened", "resolved"]


def test_a_warning_that_is_switched_off_ends(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    stage.falls(monitor, 15)
    update_monitor(monitor, {"headroom_warning_minutes": None})
    stage.sweep = AccessSweep(stage.client, stage.world.told.append)
    stage.turn()

    assert steps()[-1] == ("degraded", "resolved", "headroom_back")


def test_most_regions_refused_by_geography_are_told_to_the_owner_of_the_account(stage: Stage) -> None:
    monitor = stage.monitor()
    refused = dict.fromkeys(stage.regions[:3], Reason.GEO_BLOCKED)
    stage.saw(monitor)
    stage.turn()
    stage.saw(monitor, but=dict(list(refused.items())[:2]))
    stage.turn()
    stage.saw(monitor, but=refused)
    stage.turn()
    assert not Incident.objects.exists(), "a third region has said so only once"
    stage.saw(monitor, but=refused)
    stage.turn()

    rows = {row.region: row for row in RegionAccess.objects.all()}
    assert {region: row.access for region, row in rows.items()} == {
        region: "refused_by_geography" if region in refused else "may_use" for region in stage.regions
    }
    assert rows[stage.regions[0]].evidence == "saw geo_blocked"
    assert steps() == [("account", "opened", "regions_kept_out")]
    assert Incident.objects.get().title == "openai: 3 of 5 regions are kept out (not an outage)"
    assert "refuses the country of" in Transition.objects.get().text

    stage.saw(monitor)
    stage.turn()
    stage.saw(monitor)
    stage.turn()
    assert steps()[-1] == ("account", "resolved", "regions_admitted")


def test_a_few_regions_that_are_kept_out_are_a_notice_once_and_no_incident(stage: Stage) -> None:
    monitor = stage.monitor()
    told: list[StoredNotice] = []
    for _ in range(3):
        stage.saw(monitor, but={stage.regions[0]: Reason.GEO_BLOCKED})
        stage.turn()
        tell_kept_out(told.extend)

    assert not Incident.objects.exists()
    assert [(one.kind, one.title, one.after) for one in told] == [
        ("region_kept_out", f"OpenAI refuses the country of {stage.regions[0]}", "api.openai.com: saw geo_blocked")
    ]


def test_a_monitor_that_no_region_may_use_from_the_start_is_told_without_any_verdict(stage: Stage) -> None:
    monitor = stage.world.monitor("openai", "api.openai.com")
    reconcile_monitors(stage.world.told.append)
    stage.saw(monitor, but={stage.regions[0]: Reason.INTERFERED}, reason=Reason.MISSED)
    stage.turn()
    stage.saw(monitor, but={stage.regions[0]: Reason.INTERFERED}, reason=Reason.MISSED)
    stage.turn()
    assert not Incident.objects.exists(), "the others have not looked yet"
    for _ in range(2):
        stage.saw(monitor, Reason.INTERFERED)
        stage.turn()

    assert steps() == [("account", "opened", "regions_kept_out")]
    assert Incident.objects.get().title == "openai: no region gets through"
    assert "it may be the service itself" in Transition.objects.get().text
    assert "cannot be reached through the network of" in Transition.objects.get().text
    assert MonitorState.objects.get(monitor=monitor).status == Status.UNKNOWN


def test_what_a_host_refuses_to_one_monitor_is_told_of_no_other(stage: Stage) -> None:
    refused, served = stage.monitor("refused"), stage.monitor("served")
    for _ in range(4):
        stage.saw(refused, Reason.GEO_BLOCKED)
        stage.saw(served)
        stage.turn()

    assert [one.monitor_id for one in Incident.objects.all()] == [refused.pk]
    assert set(RegionAccess.objects.values_list("access", flat=True)) == {"refused_by_geography"}


def test_a_monitor_that_is_served_again_is_told_although_its_host_refuses_another(stage: Stage) -> None:
    refused, served = stage.monitor("refused"), stage.monitor("served")
    for minute in range(8):
        stage.saw(refused, Reason.GEO_BLOCKED)
        stage.saw(served, Reason.GEO_BLOCKED if minute < 3 or minute == 4 else Reason.OK)
        stage.turn()

    told = Transition.objects.filter(incident__monitor=served).order_by("seq")
    assert [one.step for one in told] == ["opened", "resolved"], "once served is not yet served again"


def test_a_region_that_makes_up_a_quota_warns_nobody(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    for minute in range(15):
        stage.saw(monitor)
        facts: dict[str, Fact] = {"ratelimit_requests_limit": 1000, "ratelimit_requests_remaining": 400 - 28 * minute}
        lie = Result(1, monitor.public_id, stage.now_ms, Status.UP, Reason.OK, stage.now_ms, Phases(), facts=facts)
        stage.client.hset(keys.latest(stage.regions[0]), monitor.public_id, wire.encode(lie))
        stage.turn()

    row = KeyHeadroom.objects.get(monitor=monitor)
    assert (row.warned, row.short) == (False, False)
    assert [quota["agreeing"] for quota in row.quotas] == [1]
    assert not Incident.objects.exists()


def held(stage: Stage, *regions: str) -> None:
    why = Exclusion.SICK
    hold_quarantines(stage.client, *(Quarantine(1, region, T0, why) for region in regions))


def test_what_a_region_in_quarantine_sees_is_unknown_and_counts_for_nothing(stage: Stage) -> None:
    stage.monitor()
    out = dict.fromkeys(stage.regions[:3], Reason.INTERFERED)
    for _ in range(2):
        stage.saw(Monitor.objects.get(), but=dict.fromkeys(stage.regions[:2], Reason.INTERFERED))
        stage.turn()
    held(stage, stage.regions[0])
    for _ in range(3):
        stage.saw(Monitor.objects.get(), but=out)
        stage.turn()

    rows = {row.region: row for row in RegionAccess.objects.all()}
    assert (rows[stage.regions[0]].access, rows[stage.regions[0]].evidence) == (
        "unknown", "in quarantine: what it sees does not count"
    )  # fmt: skip
    assert [rows[region].access for region in stage.regions[1:]] == ["interfered"] * 2 + ["may_use"] * 2
    assert not Incident.objects.exists(), "two of the four that count"

    held(stage)
    stage.turn(10)
    stage.turn()
    assert not RegionAccess.objects.filter(evidence__contains="quarantine").exists()
    for _ in range(2):
        stage.saw(Monitor.objects.get(), but=out)
        stage.turn()
    assert steps() == [("account", "opened", "regions_kept_out")]
    held(stage, *stage.regions[:3])
    for _ in range(8):
        stage.saw(Monitor.objects.get(), but=out)
        stage.turn()
    assert steps() == [("account", "opened", "regions_kept_out")], "so few regions do not say that it is over"


def test_points_of_regions_in_quarantine_foretell_nothing_and_end_nothing(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    held(stage, *stage.regions[:3])
    stage.falls(monitor, 15)
    assert not Incident.objects.exists(), "two regions of five are no majority"

    held(stage, stage.regions[0])
    stage.falls(monitor, 15)
    assert steps() == [("degraded", "opened", "headroom_short")]
    assert "4 of 4 regions agree" in Transition.objects.get().text
    held(stage, *stage.regions[:3])
    stage.falls(monitor, 8, each=0)
    held(stage, *stage.regions)
    stage.falls(monitor, 8, each=0)
    assert len(steps()) == 1, "nobody says that it ended"
    held(stage)
    stage.falls(monitor, 8, each=0)
    assert steps()[1:] == [("degraded", "resolved", "headroom_back")]


def test_while_it_is_not_known_who_counts_nothing_is_said(stage: Stage) -> None:
    monitor = stage.monitor(headroom_warning_minutes=30)
    stage.client.hset(keys.QUARANTINED, mapping={keys.QUARANTINED_MARK: b"forged"})
    stage.falls(monitor, 15)
    assert not KeyHeadroom.objects.exists() and not RegionAccess.objects.exists()


def test_a_fallback_without_headroom_warns_and_both_down_pages(stage: Stage) -> None:
    primary, spare = stage.monitor("primary"), stage.monitor("spare")
    members = [Member(primary, 0), Member(spare, 1)]
    whole = create_composite(default_team(), {"name": "chat", "rule": "readiness", "members": members})
    reconcile_monitors(stage.world.told.append)
    stage.falls(spare, 5, start=60, each=0)

    incident = Incident.objects.get()
    assert (incident.monitor_id, incident.kind, incident.title) == (
        whole.monitor_id, "degraded", "chat: no headroom in the fallback"
    )  # fmt: skip
    assert "If primary died now, spare would serve, whose key has no headroom for it." in Transition.objects.get().text

    stage.world.see(primary, "fail")
    stage.turn()
    stage.turn()
    incident.refresh_from_db()
    assert (incident.kind, incident.title) == ("degraded", "chat runs on a fallback")
    of_chain = Transition.objects.filter(incident=incident).order_by("seq")
    assert [one.step for one in of_chain] == ["opened", "changed"], "from bad to worse, and once"

    stage.world.see(spare, "fail")
    incident.refresh_from_db()
    assert (incident.kind, incident.title) == ("outage", "chat: nothing serves")


def test_a_fallback_that_is_paused_warns_nobody_and_saves_nobody(stage: Stage) -> None:
    primary, spare = stage.monitor("primary"), stage.monitor("spare")
    members = [Member(primary, 0), Member(spare, 1)]
    whole = create_composite(default_team(), {"name": "chat", "rule": "readiness", "members": members})
    reconcile_monitors(stage.world.told.append)
    stage.turn()
    set_paused(spare, True)
    reconcile_monitors(stage.world.told.append)
    stage.turn()
    assert not Incident.objects.exists(), "nobody looks at it, which is not that it is gone"

    stage.world.see(primary, "fail")
    stage.turn()
    assert Incident.objects.get(monitor=whole.monitor).kind == "outage"


def test_hosts_and_monitors_that_are_gone_leave_no_rows(stage: Stage) -> None:
    monitor = stage.monitor()
    stage.falls(monitor, 2)
    assert RegionAccess.objects.count() == 5
    assert stage.client.hkeys(keys.HEADROOM) == [monitor.public_id.encode()]
    set_paused(monitor, True)
    stage.sweep = AccessSweep(stage.client, stage.world.told.append)
    stage.turn()

    assert not RegionAccess.objects.exists()
    assert stage.client.hkeys(keys.HEADROOM) == []
