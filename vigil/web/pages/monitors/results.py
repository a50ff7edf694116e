"""Stored results of a monitor, the newest first, filtered by status, region and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from probes.reasons import Status
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.history.reading.walk import WalkedCheck
from vigil.monitors.core.clear_credentials import hidden_in_text
from vigil.monitors.live.results import instant
from vigil.read_models.core.figures import milliseconds
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.monitor.stored_results import ResultsQuery, parse_results, read_results
from vigil.read_models.region_shapes import seen_as
from vigil.web.pages.monitors.chart import monitor_of
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.marks import mark


@require_safe
@page
def results(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """One page of them; single checks are kept thirty days."""
    monitor, now = monitor_of(reader, public_id), datetime.now(UTC)
    query = parse_results(request.GET.dict())
    found = read_results(monitor, query, now)
    following = request.GET.copy()
    following["after"] = found.after
    shown = {
        "monitor": monitor,
        "rows": [_row(region, one, reader.may_write) for region, one in found.rows],
        "older": f"?{following.urlencode()}" if found.after else "",
        "looked_to": instant(found.looked_to_ms) if found.looked_to_ms else None,
        "statuses": [(status.value, ShownState(status.value).value.capitalize()) for status in Status],
        "regions": list(monitor.regions.order_by("slug").values_list("slug", flat=True)),
        "query": query,
        "until": instant(query.until_ms) if query.until_ms else None,
        "is_filtered": query != ResultsQuery(),
    }
    return render_page(request, reader, "overview", "monitor_results.html", shown)


def _row(region: str, one: WalkedCheck, may_write: bool) -> dict[str, Any]:
    check, full = one.check, one.full
    detail = (full.detail if may_write else hidden_in_text(full.detail)) if full else ""
    is_well = check.status is Status.UP
    return {
        "at": instant(check.at_ms),
        "region": region,
        "mark": mark(seen_as(check.status, check.reason)),
        "took": milliseconds(check.total_us / 1000 if check.total_us else None),
        "said": "" if is_well else reason_in_words(check.reason.value),
        "detail": detail,
        "look": check.look,
    }
