"""Models in use: where each is used, when it retires, by which source; and the calendar of retirements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from vigil.clock import database_now
from vigil.model_watch.calendar import calendar, feed_address, find_feed, renew_feed
from vigil.model_watch.core.retirement import STAGES
from vigil.model_watch.tables import load_table
from vigil.model_watch.uses import UsedModel, declared_sources, forget_declared, used_models
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.marks import StateMark, mark

SHOWN_MOST = 500
#: A model that retires within so many days calls for a plan.
NEAR_DAYS = STAGES[1]


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model in use, its mark, and how long it has left in words."""

    used: UsedModel
    mark: StateMark
    left: str


@require_safe
@page
def models(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Every model in use of the team, those that retire first in front."""
    loaded, today = load_table(), database_now().date()
    lines = [line_of(one, today) for one in used_models(reader.team.pk, loaded.table)]
    near = sum(_is_near(line.used, today) for line in lines)
    shown = {
        "lines": lines[:SHOWN_MOST],
        "left_out": max(0, len(lines) - SHOWN_MOST),
        "near": near,
        "table": loaded,
        "feed": feed_address(reader.team) if reader.may_write else "",
        "files": declared_sources(reader.team.pk) if reader.may_write else [],
    }
    return render_page(request, reader, "notices", "ai/models.html", shown)


@require_POST
@page
def renew(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Issue a new address of the calendar."""
    reader.require_writer()
    renew_feed(reader.team)
    return redirect("models")


@require_POST
@page
def forget_file(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Forget the models of an imported file."""
    reader.require_writer()
    forget_declared(reader.team.pk, request.POST.get("source", "")[:100])
    return redirect("models")


@never_cache
@require_safe
def feed(request: HttpRequest, team: str, key: str) -> HttpResponse:
    """The calendar at its secret address; a 404 for a wrong one."""
    found = find_feed(team, key)
    if found is None:
        return HttpResponse("This calendar does not exist.\n", content_type="text/plain; charset=utf-8", status=404)
    answer = HttpResponse(calendar(found, database_now()), content_type="text/calendar; charset=utf-8")
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def line_of(used: UsedModel, today: date) -> ModelLine:
    """A line of the page."""
    left = used.days_left(today)
    if left is None:
        state = (
            mark(ShownState.DEGRADED, "Deprecated") if used.deprecated else mark(ShownState.UNKNOWN, "No date known")
        )
        return ModelLine(used, state, "")
    if left <= 0:
        return ModelLine(used, mark(ShownState.DOWN, "Over" if left else "Today"), "today" if not left else "")
    words = "tomorrow" if left == 1 else f"in {left} days"
    state = mark(ShownState.DEGRADED, "Soon") if left <= NEAR_DAYS else mark(ShownState.PAUSED, "Dated", "ring")
    return ModelLine(used, state, words)


def _is_near(used: UsedModel, today: date) -> bool:
    left = used.days_left(today)
    return left is not None and left <= NEAR_DAYS
