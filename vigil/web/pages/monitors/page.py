"""A monitor's page: state and why-line, figures, latency, ninety days, last results; it stays live."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from probes.wire import CANARY_KIND
from vigil.clock import database_now
from vigil.code.ownership import owner_of_row
from vigil.incidents.shown_status import state_of
from vigil.incidents.state_rows import failing_regions
from vigil.monitors.models import DerivedKind, Monitor
from vigil.read_models.core.chart_ranges import parse_range
from vigil.read_models.core.figures import length
from vigil.read_models.core.shown_states import ShownState, Variant
from vigil.read_models.live import live_version_of
from vigil.read_models.monitor.canary import CanaryPage, read_canary
from vigil.read_models.monitor.members import read_members
from vigil.read_models.monitor.page import MonitorPage, read_monitor_page
from vigil.read_models.monitor_facts import WINDOW
from vigil.read_models.team_silences import TeamSilences
from vigil.silences.covering import Cover, muted_by
from vigil.web import bulk
from vigil.web.pages.actions import toast_of
from vigil.web.pages.ai.offers import offers_of_monitor
from vigil.web.pages.live import poll_key
from vigil.web.pages.monitors import chart, serving, shown
from vigil.web.pages.monitors.drifts import managed_words, shown_drift
from vigil.web.pages.monitors.keys import key_panel, readiness_panel
from vigil.web.pages.monitors.looks import look_of
from vigil.web.pages.shell import PageReader, page, render_page, shell_of
from vigil.web.parts.marks import mark


@require_safe
@page
def monitor(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The page; a job has its own. Who would be told, and the provider's own status, are fetched once it is there."""
    now = datetime.now(UTC)
    found = read_page(reader, public_id, now)
    if found.monitor.kind == DerivedKind.HEARTBEAT:
        return redirect("heartbeat", public_id)
    wanted = parse_range(request.GET.dict(), now)
    query = request.GET.copy()
    for name in ("done", "look"):
        query.pop(name, None)
    told = parts(reader, found, now)
    context = {
        **told,
        "drift": shown_drift(told["owner"], reader.may_write),
        "chart_range": wanted,
        "chart": chart.drawn(public_id, wanted, query.urlencode()),
        "choices": chart.choices(request, wanted, [region.slug for region in found.regions]),
        "has_latency": found.monitor.kind not in DerivedKind,
        "press": secrets.token_hex(16),
        "silences": bulk.SILENCES.items(),
        "toast": toast_of(request, reader, public_id),
        "look": look_of(reader, found.monitor, request.GET.get("look", "")),
        "poll_key": poll_key(reader.team),
    }
    return render_page(request, reader, "overview", "monitor.html", context)


@require_safe
@page
def live(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The parts that change, for the page's poll."""
    now = datetime.now(UTC)
    context = {
        **parts(reader, read_page(reader, public_id, now), now),
        "reader": reader,
        "shell": shell_of(request, reader, "overview"),
    }
    answer = render(request, "web/pages/monitor_live.html", context)
    answer["X-Live-Version"] = context["version"]
    return answer


def read_page(reader: PageReader, public_id: str, now: datetime) -> MonitorPage:
    """The page's facts; a 404 for another team's monitor, and for a deleted one."""
    found = read_monitor_page(reader.team, public_id, now)
    if found is None:
        raise Http404
    return found


def parts(reader: PageReader, found: MonitorPage, now: datetime) -> dict[str, Any]:
    """What the page shows and polls for."""
    row, owner, believed = found.row, owner_of_row(found.monitor), state_of(found.monitor)
    return {
        "version": live_version_of(reader.team, now),
        "found": found,
        "owner": owner,
        "row": row,
        "now": now,
        "mark": mark(row.state, row.word, pill=True),
        "lasted": length(now - row.since) if row.since else "",
        "target": shown.target_of(found, reader.may_write),
        "is_regional": row.variant is Variant.REGIONAL,
        "differing": sorted(believed.dissent) if believed else [],
        "held_by": _held_by(found) if row.variant is Variant.REGIONAL else [],
        "is_new": row.state is ShownState.NEW,
        "figures": shown.figures_of(found),
        "results": shown.results_of(found, reader.may_write),
        "managed": managed_words(owner),
        "interval": length_of(found.monitor),
        "days": shown.drawn_days(found.monitor, row.days, row.days_strip),
        "offers": offers_of_monitor(found.monitor),
        "members": _members(reader, found.monitor, now),
        "engines": serving.engines_of(found.results),
        "tools": serving.tools_of(found.monitor),
        "key": key_panel(found.monitor) if found.headroom is not None else None,
        "readiness": readiness_panel(found.monitor, now),
        "canary": _canary(found, now),
    }


def _canary(found: MonitorPage, now: datetime) -> CanaryPage | None:
    if found.monitor.kind != CANARY_KIND:
        return None
    return read_canary(found.monitor, {one.region: one.facts for one in found.results}, now)


def _held_by(found: MonitorPage) -> list[Cover]:
    """What holds the alerts of the monitor's regional incident now."""
    return muted_by(found.monitor, database_now(), failing_regions(found.monitor.pk))


def length_of(monitor: Monitor) -> str:
    """`every 1 min`; empty for what regions do not check."""
    if monitor.kind in DerivedKind:
        return ""
    seconds = monitor.interval_s
    return f"every {seconds // 60} min" if seconds % 60 == 0 else f"every {seconds} s"


def _members(reader: PageReader, monitor: Monitor, now: datetime) -> Any:
    if monitor.kind != DerivedKind.COMPOSITE:
        return None
    found = read_members(monitor, TeamSilences.read(reader.team, now - WINDOW, now))
    return {"rule": found.rule, "is_chain": found.is_chain, "rows": [(one, mark(one.state)) for one in found.members]}
