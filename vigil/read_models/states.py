"""Shown states in SQL and in rows: one expression that counts, filters and sorts, and the variant of a loaded row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT

from probes.wire import CANARY_KIND
from vigil.canaries.models import Canary
from vigil.heartbeats.core.states import HeartbeatStatus
from vigil.heartbeats.models import Heartbeat, StoredPing
from vigil.incidents.models import Incident, MonitorState
from vigil.incidents.shown_status import state_of
from vigil.monitors.models import DerivedKind, Monitor, MonitorChange
from vigil.read_models.core.overview_query import GroupBy, OverviewQuery, StateFilter
from vigil.read_models.core.shown_states import ShownState, Variant

#: Monitors with annotations, of which their type knows nothing.
Monitors = QuerySet[Any]

#: `shown` of a monitor that is up and differs in some regions again and again.
REGIONAL = "regional"
#: Order of trouble, the worst first; all that is calm is last.
TROUBLE_ORDER = (ShownState.DOWN.value, ShownState.DEGRADED.value, ShownState.UNKNOWN.value, REGIONAL)
CALM = 9

#: Purposes by kind; one with a known provider is an AI provider first.
_PURPOSES = {
    "canary": "models",
    "saturation": "models",
    "mcp": "models",
    "postgresql": "stores",
    "redis": "stores",
    "dns": "network",
    "domain": "network",
    "icmp": "network",
    "tcp": "network",
    "tls": "network",
    DerivedKind.HEARTBEAT.value: "jobs",
    DerivedKind.COMPOSITE.value: "composites",
}
PURPOSE_NAMES = {
    "ai": "AI providers",
    "models": "Inference servers",
    "services": "Services",
    "network": "Network",
    "stores": "Data stores",
    "jobs": "Jobs",
    "composites": "Composites",
}


def with_states(monitors: Monitors, maintained: Q) -> Monitors:
    """Monitors with `shown` (a `ShownState`, or `REGIONAL`); `maintained` filters those in maintenance."""

    def when(condition: Q, state: ShownState) -> When:
        return When(condition, then=Value(state.value))

    never_seen = Q(believed=None) | Q(believed__status="unknown", believed__since=None)
    # It has asked, and asks no more this month (UTC).
    this_month = RawSQL("to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')", ())
    stopped = Exists(Canary.objects.filter(pk=OuterRef("pk"), stopped__gte=this_month))
    stopped_canary = Q(kind=CANARY_KIND) & Q(stopped)
    new_job = Q(kind=DerivedKind.HEARTBEAT, heartbeat__status=HeartbeatStatus.NEW)
    shown = Case(
        when(Q(paused=True), ShownState.PAUSED),
        when(maintained, ShownState.MAINTENANCE),
        when(Q(believed__status="down") | Q(heartbeat__status=HeartbeatStatus.DOWN), ShownState.DOWN),
        when(Q(believed__status="degraded") | Q(heartbeat__status=HeartbeatStatus.LATE), ShownState.DEGRADED),
        when(Q(believed__blind=True), ShownState.UNKNOWN),
        when(never_seen & stopped_canary, ShownState.UNKNOWN),
        when(new_job | never_seen, ShownState.NEW),
        when(Q(believed__status="unknown"), ShownState.UNKNOWN),
        When(Q(believed__regional=True), then=Value(REGIONAL)),
        default=Value(ShownState.UP.value),
        output_field=CharField(),
    )
    return monitors.annotate(shown=shown)


def rank_of(shown: str) -> int:
    """Place in the order of trouble; `CALM` for what is none."""
    return TROUBLE_ORDER.index(shown) if shown in TROUBLE_ORDER else CALM


def state_shown(shown: str) -> ShownState:
    """The state of a value of `shown`."""
    return ShownState.UP if shown == REGIONAL else ShownState(shown)


def trouble_order() -> Func:
    """Place in the order of trouble, in SQL."""
    order = Value(list(TROUBLE_ORDER), output_field=ArrayField(CharField()))
    return Func(order, F("shown"), function="array_position", output_field=IntegerField())


def loaded(monitors: Monitors) -> Monitors:
    """Monitors with all that a row needs of them: state, job, `took_ms` of its last run, and who `paused_by`."""
    runs = StoredPing.objects.filter(heartbeat=OuterRef("pk"), duration_ms__isnull=False).order_by("-n")
    pauses = MonitorChange.objects.filter(monitor=OuterRef("pk"), fields__contains=["paused"]).order_by("-id")
    return monitors.select_related("believed", "heartbeat").annotate(
        # Each only where it means something: PostgreSQL may read them for all rows before it sorts and cuts them.
        took_ms=Case(
            When(kind=DerivedKind.HEARTBEAT, then=Subquery(runs.values("duration_ms")[:1])),
            output_field=IntegerField(),
        ),
        paused_by=Case(When(paused=True, then=Subquery(pauses.values("author")[:1])), output_field=CharField()),
    )


def grouped(monitors: Monitors, group: GroupBy) -> Monitors:
    """Monitors with `group_key`: purpose, first tag or provider; empty for those without one."""
    if group is GroupBy.TAG:
        return monitors.annotate(group_key=KT("tags__0"))
    if group is GroupBy.PROVIDER:
        return monitors.annotate(group_key=Case(default="provider", output_field=CharField()))
    if group is GroupBy.NONE:
        return monitors.annotate(group_key=Value("", output_field=CharField()))
    purposes = [When(~Q(provider=""), then=Value("ai"))]
    purposes += [When(kind=kind, then=Value(purpose)) for kind, purpose in _PURPOSES.items()]
    return monitors.annotate(group_key=Case(*purposes, default=Value("services"), output_field=CharField()))


def asked(monitors: Monitors, query: OverviewQuery, failed_since: object) -> Monitors:
    """The monitors (with states) that a query asks for."""
    return monitors.filter(asks(query, failed_since))


def asks(query: OverviewQuery, failed_since: object) -> Q:
    """What a query asks of monitors with states."""
    wanted = Q(_has_words(query.words)) if query.words else Q()
    if query.states:
        states = {state.value for state in query.states}
        wanted &= Q(shown__in=states | ({REGIONAL} if StateFilter.UP in query.states else set()))
    if query.kinds:
        wanted &= Q(kind__in=query.kinds)
    for tag in query.tags:
        wanted &= Q(tags__contains=[tag])
    if query.region:
        watched = Monitor.regions.through.objects.filter(monitor=OuterRef("pk"), region__slug=query.region)
        wanted &= Q(Exists(watched))
    if query.provider:
        wanted &= Q(provider=query.provider)
    if query.failed:
        of_it = Incident.objects.filter(monitor=OuterRef("pk"))
        wanted &= Q(Exists(of_it.filter(Q(resolved_at=None) | Q(resolved_at__gt=failed_since))))
    return wanted


def trouble_in(monitors: Monitors, queries: Sequence[OverviewQuery], failed_since: object) -> list[int]:
    """How many of the monitors (with states) that each query asks for are in trouble: one query for all of them."""
    if not queries:
        return []
    counts = {
        f"view_{place}": Count("pk", filter=asks(query, failed_since) if query.is_filtered else None)
        for place, query in enumerate(queries)
    }
    found = monitors.filter(shown__in=TROUBLE_ORDER).aggregate(**counts)
    return [found[name] for name in counts]


def variant_of(monitor: Monitor, state: ShownState) -> Variant:
    """What is special about a loaded monitor in this state; select `believed` and `heartbeat` with it."""
    if state in (ShownState.PAUSED, ShownState.MAINTENANCE, ShownState.NEW, ShownState.UNKNOWN):
        return Variant.PLAIN
    job, believed = heartbeat_of(monitor), state_of(monitor)
    if job is not None:
        by_status = {"late": Variant.LATE, "down": Variant.FAILED, "running": Variant.RUNNING}
        return by_status.get(job.status, Variant.PLAIN)
    if believed is None:
        return Variant.PLAIN
    return _variant(believed, state)


def heartbeat_of(monitor: Monitor) -> Heartbeat | None:
    """Its heartbeat, if it is one."""
    found: Heartbeat | None = getattr(monitor, "heartbeat", None) if monitor.kind == DerivedKind.HEARTBEAT else None
    return found


def _variant(believed: MonitorState, state: ShownState) -> Variant:
    if believed.flapping:
        return Variant.FLAPPING
    if state is ShownState.DEGRADED and believed.account:
        return Variant.ACCOUNT
    return Variant.REGIONAL if state is ShownState.UP and believed.regional else Variant.PLAIN


def _has_words(words: tuple[str, ...]) -> RawSQL:
    # Used: monitor_words. The words have no character that the query's syntax knows.
    query = " & ".join(f"'{word}':*" for word in words)
    return RawSQL(  # the query is a parameter
        "vigil_monitor_words(monitors_monitor.name, monitors_monitor.config, monitors_monitor.tags, "
        "monitors_monitor.public_id) @@ to_tsquery('pg_catalog.simple', lower(%s))",
        [query],
        output_field=BooleanField(),
    )
