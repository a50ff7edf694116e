"""Heartbeats: the list of jobs that call, and the page of one with its runs, output, figures and ways to call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from vigil.clock import database_now
from vigil.code.ownership import owner_of_row
from vigil.heartbeats.changes import set_paused
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.schedule import length_in_words
from vigil.heartbeats.models import Heartbeat, StoredPing
from vigil.heartbeats.overview import mail_address, ping_address
from vigil.heartbeats.rows import schedule_of, terms_of
from vigil.heartbeats.showing.run_bars import run_bars
from vigil.heartbeats.showing.snippets import SNIPPETS
from vigil.read_models.core.drawn_strips import DrawnStrip, run_strip
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.heartbeats import JobPage, JobRow, has_called, read_job_list, read_job_page, told_figures
from vigil.web.pages.monitors.drifts import managed_words, shown_drift
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.filter_bars import FilterBar, FilterChip, FilterSelect, SelectOption
from vigil.web.parts.marks import StateMark, mark
from vigil.web.parts.sparklines import Sparkline, sparkline

RUNS_IN_TABLE = 20
#: Shown before the others, which are behind a fold.
FIRST_SNIPPETS = ("curl", "python", "crontab", "github-actions", "kubernetes")
_STATES = ("down", "degraded", "unknown", "maintenance", "paused", "new", "up")


@dataclass(frozen=True, slots=True)
class RunFigure:
    """A figure of the last runs: its line, the last value and the sum of all, in words."""

    name: str
    line: Sparkline
    last: str
    total: str
    limit: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run of the table, and what it told of itself."""

    ping: StoredPing
    mark: StateMark
    took: timedelta | None
    told: str


@require_safe
@page
def heartbeats(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Jobs of the team, trouble first: `q` and `state` in the address, `after` for more."""
    asked = {name: request.GET.get(name, "")[:100] for name in ("q", "state")}
    asked["state"] = asked["state"] if asked["state"] in _STATES else ""
    given = request.GET.get("after", "")
    after = int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 0
    found = read_job_list(reader.team, asked["q"].strip(), asked["state"], after, database_now())
    shown = {
        "jobs": found,
        "rows": [(row, mark(row.state, row.word), _strip(row)) for row in found.rows],
        "bar": _bar(asked),
        "filtered": any(asked.values()),
        "more": "?" + urlencode({**asked, "after": found.after}) if found.after else "",
    }
    return render_page(request, reader, "heartbeats", "heartbeats.html", shown)


def _strip(row: JobRow) -> DrawnStrip | None:
    return run_strip(row.runs) if row.runs else None


def _bar(asked: dict[str, str]) -> FilterBar:
    states = [SelectOption(name, name.capitalize(), name == asked["state"]) for name in _STATES]
    selects = [FilterSelect("state", "State", [SelectOption("", "Any state"), *states])]
    without = "?" + urlencode({"q": asked["q"]}) if asked["q"] else "?"
    chips = [FilterChip(f"state: {asked['state']}", without)] if asked["state"] else []
    return FilterBar("Search jobs", asked["q"], selects, chips)


@require_safe
@page
def heartbeat(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The page of one job; a 404 for another team's."""
    found = read_job_page(reader.team, public_id, request.GET.get("output") == "all", database_now())
    if found is None:
        raise Http404
    row, schedule, owner = found.heartbeat, schedule_of(found.heartbeat), owner_of_row(found.heartbeat)
    shown: dict[str, Any] = {
        "job": found,
        "mark": mark(found.state, found.word, pill=True),
        "schedule": schedule.in_words(),
        "grace": length_in_words(terms_of(row).grace),
        "is_paused": found.state is ShownState.PAUSED,
        "bars": run_bars(found.slots) if found.slots else None,
        "runs": [_run(ping) for ping in found.ends[:RUNS_IN_TABLE]],
        "figures": _figures(found),
        "managed": managed_words(owner),
        "drift": shown_drift(owner, reader.may_write),
    }
    if reader.may_write:
        shown |= _ways_to_call(row)
    return render_page(request, reader, "heartbeats", "heartbeat.html", shown)


@require_safe
@page
def first_call(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Whether a job has called for the first time: 204 while it has not, then the page is read anew."""
    get_object_or_404(Heartbeat, team=reader.team, monitor__public_id=public_id, monitor__deleted_at=None)
    if not has_called(reader.team, public_id):
        return HttpResponse(status=204)
    return HttpResponse(status=200, headers={"HX-Refresh": "true"})


@require_POST
@page
def pause(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Pause a job, pause it until it calls, or resume it (`do` = pause, wait, resume); then the page again."""
    reader.require_writer()
    owned = Heartbeat.objects.filter(team=reader.team, monitor__deleted_at=None)
    row = get_object_or_404(owned, monitor__public_id=public_id)
    wish = request.POST.get("do", "")
    if wish in ("pause", "wait", "resume"):
        set_paused(row, wish != "resume", until_ping=wish == "wait")
    return redirect("heartbeat", public_id)


def _ways_to_call(row: Heartbeat) -> dict[str, Any]:
    address = ping_address(row)
    names = [*FIRST_SNIPPETS, *(name for name in SNIPPETS if name not in FIRST_SNIPPETS)]
    ways = [(SNIPPETS[name].title, SNIPPETS[name].for_address(address)) for name in names]
    return {
        "address": address,
        "mail": mail_address(row),
        "once": f"curl -fsS -m 10 {address}",
        "ways": ways[: len(FIRST_SNIPPETS)],
        "other_ways": ways[len(FIRST_SNIPPETS) :],
    }


def _figures(found: JobPage) -> list[RunFigure]:
    budget = terms_of(found.heartbeat).budget
    limits = {"took": budget.max_duration_s, "items": budget.min_items, "tokens": budget.max_tokens,
              "cost": budget.max_cost}  # fmt: skip
    figures = []
    for name, unit in (("took", " s"), ("items", ""), ("tokens", ""), ("cost", "")):
        values = told_figures(found.ends, name)
        known = [value for value in values if value is not None]
        if known:
            line = sparkline(f"{name.capitalize()} of the last {len(known)} runs", unit, values)
            total = "" if name == "took" else f"{_number(sum(known))} in {_runs(known)}"
            figures.append(RunFigure(name.capitalize(), line, _number(known[-1]) + unit, total, _limit(name, limits)))
    return figures


def _limit(name: str, limits: dict[str, float | None]) -> str:
    limit = limits[name]
    if limit is None:
        return ""
    return f"{'at least' if name == 'items' else 'at most'} {_number(limit)}{' s' if name == 'took' else ''} a run"


def _runs(known: Sequence[float]) -> str:
    return f"{len(known)} run{'' if len(known) == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 or value == int(value) else f"{value:,.4g}"


def _run(ping: StoredPing) -> RunLine:
    failed = ping.kind == PingKind.FAIL
    code = ping.word or (f"exit {ping.exit_code}" if ping.exit_code else "")
    shown = mark(ShownState.DOWN, f"Failed, {code}" if code else "Failed") if failed else mark(ShownState.UP, "Well")
    took = timedelta(milliseconds=ping.duration_ms) if ping.duration_ms is not None else None
    return RunLine(ping, shown, took, _told(ping))


def _told(ping: StoredPing) -> str:
    """`12 items, 900 tokens, cost 0.5`."""
    facts = ping.facts
    parts = [f"{_number(float(facts[name]))} {name}" for name in ("items", "tokens") if _is_number(facts.get(name))]
    parts += [f"cost {_number(float(facts['cost']))}"] if _is_number(facts.get("cost")) else []
    parts += [str(facts[name])[:100] for name in ("model", "error") if facts.get(name)]
    return ", ".join(parts)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
