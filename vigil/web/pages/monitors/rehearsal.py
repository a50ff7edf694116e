"""What would page: who is told now and what holds it back, and thirty days replayed under another sensitivity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from consensus.vocabulary import Sensitivity
from probes.wire import CANARY_KIND
from vigil.alerts.core.decision import Disposition
from vigil.alerts.routing.preview import Preview, PreviewedChannel, who_would_be_told
from vigil.backtest.core.comparison import ComparisonOutcome, ComparisonRow
from vigil.backtest.core.law import BacktestPage
from vigil.code.ownership import owner_of_row
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.changes import update_monitor
from vigil.monitors.live.results import instant
from vigil.monitors.models import DerivedKind, Monitor
from vigil.read_models.core.figures import NO_VALUE, length
from vigil.read_models.monitor.page import read_provider_status
from vigil.read_models.monitor.rehearsal import rehearse
from vigil.web.pages.monitors.chart import monitor_of
from vigil.web.pages.monitors.drifts import managed_words
from vigil.web.pages.monitors.shown import posts_of
from vigil.web.pages.shell import PageReader, page, render_page

_KINDS = {
    IncidentKind.OUTAGE: "It is down",
    IncidentKind.DEGRADED: "It is degraded",
    IncidentKind.ACCOUNT: "Its key is refused",
    IncidentKind.REGIONAL: "Some regions disagree",
    IncidentKind.BLIND: "Too few regions can vote",
}
_WITHHELD = {
    "silenced": "silence", "held_by_parent": "what it needs is down", "superseded": "another incident says it",
    "told_together": "told with the provider's incident", "acknowledged": "acknowledged",
}  # fmt: skip
_PROOF = {
    Sensitivity.HIGH: "one look",
    Sensitivity.NORMAL: "two looks ten seconds apart",
    Sensitivity.LOW: "three looks in a minute",
}
_OUTCOMES = {
    ComparisonOutcome.SAME: "the same", ComparisonOutcome.SOONER: "sooner by", ComparisonOutcome.LATER: "later by",
    ComparisonOutcome.NOT_AT_ALL: "would not page", ComparisonOutcome.NEW: "would page, did not",
}  # fmt: skip


@require_safe
@page
def rehearsal(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Who would be told; with `sensitivity` also the replay, which takes seconds: only on request."""
    monitor, now = monitor_of(reader, public_id), datetime.now(UTC)
    kind = _kind(request, monitor)
    wanted = request.GET.get("sensitivity", "")
    found = None
    can_replay = monitor.kind not in DerivedKind and monitor.kind != CANARY_KIND
    if wanted in set(Sensitivity) and can_replay:
        found = rehearse(monitor, Sensitivity(wanted), now)
    shown = {
        "monitor": monitor,
        "told": told_of(who_would_be_told(reader.team, monitor, kind, now)),
        "kinds": [(one.value, words) for one, words in _KINDS.items()],
        "kind": kind.value,
        "can_replay": can_replay,
        "sensitivities": [(one.value, words) for one, words in _PROOF.items() if one.value != monitor.sensitivity],
        "present": (monitor.sensitivity, _PROOF[Sensitivity(monitor.sensitivity)]),
        "found": found,
        "rows": [_row(one) for one in found.rows] if found else [],
        "managed": managed_words(owner_of_row(monitor)),
        "toast": _toast(monitor, request.GET.get("was", "")),
    }
    return render_page(request, reader, "overview", "monitor_rehearsal.html", shown)


@require_safe
@page
def beside(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """A part of the monitor's page, fetched once it is there: who would be told now, and the provider's own status."""
    now = datetime.now(UTC)
    monitor = monitor_of(reader, public_id)
    provider = read_provider_status(monitor)
    shown = {
        "told": told_of(who_would_be_told(reader.team, monitor, _kind(request, monitor), now)),
        "provider": provider,
        "posts": posts_of(provider),
        "now": now,
    }
    return render(request, "web/pages/monitor/beside.html", shown)


@require_POST
@page
def set_sensitivity(request: HttpRequest, reader: PageReader, public_id: str, value: str) -> HttpResponse:
    """Save another sensitivity by the write path of monitors; the page offers to undo it."""
    reader.require_writer()
    monitor = monitor_of(reader, public_id)
    if value not in set(Sensitivity):
        raise Http404
    try:
        update_monitor(monitor, {"sensitivity": value})
    except Monitor.DoesNotExist:
        raise Http404 from None
    except ValidationError as refused:
        context = {"monitor": monitor, "look": {"sum": " ".join(refused.messages)}}
        return render(request, "web/pages/monitor_refused.html", context, status=409)
    return redirect(f"{reverse('monitor-rehearsal', args=[public_id])}?was={monitor.sensitivity}")


def _toast(monitor: Monitor, was: str) -> dict[str, str] | None:
    if was not in set(Sensitivity) or was == monitor.sensitivity:
        return None
    undo = reverse("monitor-sensitivity", args=[monitor.public_id, was])
    return {"text": f"Sensitivity is now {monitor.sensitivity}.", "undo": undo}


def told_of(preview: Preview) -> dict[str, Any]:
    """Who would be told, and when: channels at once, then the steps of policies."""
    at_once = [_channel(one) for one in preview.told if one.choice.outcome is not Disposition.OMIT]
    omitted = [_channel(one) for one in preview.told if one.choice.outcome is Disposition.OMIT]
    later = [
        {"who": ", ".join(call.targets.words), "nowhere": ", ".join(call.targets.nowhere), "policy": call.policy,
         "when": f"after {length(call.after)}" if call.after > timedelta(0) else "at once"}
        for call in preview.called
    ]  # fmt: skip
    held = [one for one in (*at_once, *omitted) if one["held"]]
    return {
        "nobody": preview.nobody, "at_once": at_once, "omitted": omitted, "later": later, "held": held,
        "severity": preview.severity.value,
    }  # fmt: skip


def _channel(one: PreviewedChannel) -> dict[str, Any]:
    hold = one.choice.hold
    held = ""
    if hold is not None:
        until = f" until {hold.until:%d %b %H:%M} UTC" if hold.until else ""
        held = f"{_WITHHELD[hold.reason.value]}{f' “{hold.by}”' if hold.by else ''}{until}"
    why = one.choice.concern.because
    return {"name": one.channel.name, "kind": one.channel.kind, "why": why, "held": held, "on": one.channel.enabled}


def _kind(request: HttpRequest, monitor: Monitor) -> IncidentKind:
    asked = request.GET.get("kind", "")
    if asked in _KINDS:
        return IncidentKind(asked)
    return IncidentKind.HEARTBEAT if monitor.kind == DerivedKind.HEARTBEAT else IncidentKind.OUTAGE


def _row(one: ComparisonRow) -> dict[str, Any]:
    moved = one.outcome in (ComparisonOutcome.SOONER, ComparisonOutcome.LATER)
    by = f" {length(timedelta(milliseconds=abs(one.by_ms)))}" if moved else ""
    kind = (one.then or one.now).kind.value  # type: ignore[union-attr]
    return {
        "at": instant(one.at_ms),
        "kind": kind,
        "now": _lasted(one.now),
        "then": _lasted(one.then),
        "words": f"{_OUTCOMES[one.outcome]}{by}",
    }


def _lasted(one: BacktestPage | None) -> str:
    if one is None:
        return NO_VALUE
    return length(timedelta(milliseconds=one.resolved_ms - one.opened_ms)) if one.resolved_ms else "not over"
