"""Error budgets of providers and models on real rows: what was lost, and whose fault it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from probes.reasons import Reason, Status
from tests.vigil.history.stage import Stage
from vigil.accounts.teams import default_team
from vigil.history.core.minutes_lost import LossClass
from vigil.history.models import Objective
from vigil.history.reading.minutes_lost import ProviderBudget, objective_of, provider_budgets
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


def monitor(name: str, model: str = "", **fields: Any) -> Monitor:
    listed = {"type": "jsonpath", "path": "$.data[*].id", "contains": model, "reason": "model_missing"}
    config = {"url": "https://api.openai.com/v1/models", "assertions": [listed] if model else []}
    made = create_monitor(default_team(), {"name": name, "kind": "http", "config": config, **fields})
    Monitor.objects.update(created_at=NOW - timedelta(days=90))
    made.refresh_from_db()
    return made


def incident(monitor: Monitor, kind: IncidentKind, reason: Reason, began: int, lasted: int) -> None:
    """An incident, in minutes before now and in minutes."""
    start = NOW - timedelta(minutes=began)
    Incident.objects.create(
        team=monitor.team, monitor=monitor, kind=kind, title="t", failure=reason, started_at=start, opened_at=start,
        resolved_at=start + timedelta(minutes=lasted),
    )  # fmt: skip


def budget(model: str = "") -> ProviderBudget:
    return next(one for one in provider_budgets(default_team(), NOW) if one.model == model)


def test_minutes_lost_are_split_by_whose_fault_they_were_and_counted_once() -> None:
    chat, words = monitor("chat", "gpt-x"), monitor("words")
    incident(chat, IncidentKind.OUTAGE, Reason.OVERLOADED, 600, 71)
    incident(words, IncidentKind.OUTAGE, Reason.OVERLOADED, 600, 71)
    incident(words, IncidentKind.ACCOUNT, Reason.AUTH, 300, 20)
    incident(words, IncidentKind.DEGRADED, Reason.BOT_FILTER, 200, 9)
    whole = budget()
    assert (whole.provider, [one.name for one in whole.monitors]) == ("openai", ["chat", "words"])
    assert whole.lost.lost_s == 6_000 and whole.lost.counted_s == 30 * 86_400
    assert whole.lost.percents() == {
        LossClass.OURS: 20, LossClass.THEIRS: 71, LossClass.NET: 9, LossClass.UNKNOWN: 0,
    }  # fmt: skip
    # Of the budget, downtime alone is spent: the words monitor sends no key that could be at fault.
    assert whole.status.uptime.down_s == 2 * 71 * 60 + 20 * 60
    only = budget("gpt-x")
    assert (only.monitors, only.lost.lost_s) == ((chat,), 71 * 60)
    assert whole.objective.target_percent == 99.9 and not whole.objective.name


def test_what_a_canary_reads_in_an_answer_takes_no_minute_of_its_provider() -> None:
    Monitor.objects.filter(pk=(luna := monitor("luna")).pk).update(kind="canary")
    incident(luna, IncidentKind.DEGRADED, Reason.BODY_MISMATCH, 600, 100)
    incident(luna, IncidentKind.DEGRADED, Reason.STALLED, 300, 10)
    assert [(one.reason, one.seconds) for one in budget().lost.shares] == [(Reason.STALLED, 600)]


def test_time_that_does_not_count_is_not_lost() -> None:
    Monitor.objects.filter(pk=(young := monitor("young")).pk).update(created_at=NOW - timedelta(minutes=30))
    incident(young, IncidentKind.OUTAGE, Reason.HTTP_5XX, 60, 60)
    lost = budget().lost
    assert (lost.lost_s, lost.counted_s) == (1_800, 1_800)
    assert lost.availability(LossClass.THEIRS) == 0.0


def test_the_strictest_objective_that_covers_all_monitors_counts() -> None:
    chat, words = monitor("chat", tags=["ai"]), monitor("words", tags=["ai"])
    part = Objective(name="part", monitor=chat, target_percent=99.99, pk=1)
    whole = Objective(name="whole", tag="ai", target_percent=99, pk=2)
    stricter = Objective(name="stricter", tag="ai", target_percent=99.5, pk=3)
    assert objective_of([part, whole, stricter], [chat, words]).name == "stricter"
    assert objective_of([part], [chat, words]).name == "part"
    assert objective_of([part], [words]).name == ""


def test_checks_say_more_than_the_incident(stage: Stage) -> None:
    """It began as an overload and went on as timeouts: history knows, the incident does not."""
    stage.monitor.config = {"url": "https://api.openai.com/v1/models"}
    Monitor.objects.filter(pk=stage.monitor.pk).update(
        config=stage.monitor.config, provider="openai", created_at=NOW - timedelta(days=9_000)
    )
    start_ms = stage.last_hour * 3_600_000
    for region in ("eu", "us"):
        early = [stage.result(start_ms + at, Status.DOWN, Reason.OVERLOADED) for at in range(0, 600_000, 60_000)]
        late = [stage.result(start_ms + at, Status.DOWN, Reason.TIMEOUT) for at in range(600_000, 1_200_000, 60_000)]
        stage.report(region, *early, *late)
    recorder = stage.recorder()
    recorder._turn()
    recorder._turn()
    start = datetime.fromtimestamp(start_ms / 1000, UTC)
    Incident.objects.create(
        team=stage.monitor.team, monitor=stage.monitor, kind=IncidentKind.OUTAGE, title="t", failure="overloaded",
        started_at=start, opened_at=start, resolved_at=start + timedelta(minutes=20),
    )  # fmt: skip
    [found] = provider_budgets(default_team(), datetime.fromtimestamp(stage.now_ms() / 1000, UTC))
    assert {share.reason: share.percent for share in found.lost.shares} == {Reason.OVERLOADED: 50, Reason.TIMEOUT: 50}
    stage.pack(stage.last_hour)
    [packed] = provider_budgets(default_team(), datetime.fromtimestamp(stage.now_ms() / 1000, UTC))
    assert packed.lost.shares == found.lost.shares
