"""Overview: what needs attention, then everything else; its filters are its address, and it stays live."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from vigil.read_models.core.overview_query import GroupBy, OverviewQuery, Sort, StateFilter, parse_overview
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.live import live_version_of
from vigil.read_models.monitor_facts import WINDOW
from vigil.read_models.overview import FAILED_WITHIN, Overview, read_overview, team_monitors
from vigil.read_models.states import trouble_in
from vigil.read_models.team_silences import TeamSilences
from vigil.web import bulk
from vigil.web.pages.actions import toast_of
from vigil.web.pages.choices import Choices, SavedQuery, read_choices, read_views
from vigil.web.pages.listing import COUNTED, counts, headline, listed_trouble, sections, untaken
from vigil.web.pages.live import poll_key
from vigil.web.pages.shell import PageReader, page, render_page, shell_of
from vigil.web.parts.filter_bars import FilterBar, FilterChip, FilterSelect, SelectOption
from vigil.web.parts.marks import WORDS, mark

# The usual group and order are empty, and so not in the address.
_GROUPS = {"": "By purpose", "tag": "By tag", "provider": "By provider", "none": "In one list"}
_SORTS = {
    "": "Problems first", "name": "By name", "p95": "Slowest first", "uptime": "Least up first",
    "changed": "Changed last",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SavedTab:
    """A saved view as a tab, with how many of its monitors need attention."""

    name: str
    address: str
    is_here: bool
    trouble: int


@require_safe
@page
def overview(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The page; without a script it reads and filters."""
    choices = read_choices(reader)
    shown = _shown(reader, parse_overview(dict(request.GET.lists())), choices.views)
    read: Overview = shown["overview"]
    shown |= {
        "bar": filter_bar(read, choices),
        "silences": bulk.SILENCES.items(),
        "press": secrets.token_hex(16),
        "toast": toast_of(request, reader),
        "legend": [mark(state) for state in COUNTED],
    }
    return render_page(request, reader, "overview", "overview.html", shown)


@require_safe
@page
def live(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """What the page polls for: the parts that change. An unchanged poll does not come so far (`pages.live`)."""
    parameters = {name: values for name, values in request.GET.lists() if name not in ("k", "v", "after")}
    shown = _shown(reader, parse_overview(parameters), read_views(reader))
    context = {**shown, "reader": reader, "shell": shell_of(request, reader, "overview")}
    answer = render(request, "web/pages/overview_live.html", context)
    answer["X-Live-Version"] = shown["version"]
    return answer


def _shown(reader: PageReader, query: OverviewQuery, views: Sequence[SavedQuery]) -> dict[str, Any]:
    now = datetime.now(UTC)
    # Before the facts: what changes meanwhile is found by the next poll.
    version = live_version_of(reader.team, now)
    silences = TeamSilences.read(reader.team, now - WINDOW, now)
    read = read_overview(reader.team, query, now, silences)
    asked = [parse_overview(parse_qs(saved)) for _, saved in views]
    return {
        "query": query.address().removeprefix("?"),
        "views": _views(query, views, trouble_in(team_monitors(reader.team, silences), asked, now - FAILED_WITHIN)),
        "overview": read,
        "version": version,
        "poll_key": poll_key(reader.team),
        "headline": headline(read),
        "untaken": untaken(read),
        "counts": counts(read),
        "trouble": [listed_trouble(row, now, reader.may_write) for row in read.trouble],
        "sections": sections(read, reader.may_write),
        "more_address": query.address(after=read.after) if read.after else "",
        "add_address": reverse("new-monitor" if read.total else "start"),
        "add_words": "Add your first monitor" if reader.may_write else "",
        "none_found": f"None of {read.total:,} monitors matches."
        if not query.text
        else f"None of {read.total:,} monitors matches \u201c{query.text}\u201d.",
        "found_in_words": f"{read.found:,} of {read.total:,} monitors",
    }


def filter_bar(read: Overview, choices: Choices) -> FilterBar:
    """Search, filters, grouping and order, with the chosen ones as chips."""
    query = read.query
    chosen_state = query.states[0].value if len(query.states) == 1 else ""
    states = [(state.value, _state_words(state)) for state in StateFilter]
    selects = [
        _select("state", "State", "Any state", states, chosen_state),
        _select("kind", "Kind", "Any kind", _same(choices.kinds), query.kinds[0] if len(query.kinds) == 1 else ""),
        _select("tag", "Tag", "Any tag", _same(choices.tags), query.tags[0] if len(query.tags) == 1 else ""),
        _select("region", "Region", "Any region", _same(choices.regions), query.region),
        _select("group", "Group", "", list(_GROUPS.items()), _unusual(query.group, GroupBy.PURPOSE)),
        _select("sort", "Sort", "", list(_SORTS.items()), _unusual(query.sort, Sort.PROBLEMS)),
    ]
    return FilterBar(
        placeholder=f"Search {read.total:,} monitors",
        words=query.text,
        selects=[select for select in selects if len(select.options) > 1],
        chips=_chips(query),
        clear=query.address(q="", state=[], kind=[], tag=[], region="", provider="", failed="") or "?",
        kept=_kept(query),
    )


def _select(name: str, label: str, none: str, pairs: Sequence[tuple[str, str]], chosen: str) -> FilterSelect:
    first = [SelectOption("", none)] if none else []
    return FilterSelect(name, label, [*first, *(SelectOption(value, words, value == chosen) for value, words in pairs)])


def _unusual(value: StrEnum, usual: StrEnum) -> str:
    return "" if value is usual else value.value


def _same(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _kept(query: OverviewQuery) -> list[tuple[str, str]]:
    """Filters that no select shows: several values of one, the provider, what failed of late."""
    kept = [("state", state.value) for state in query.states] if len(query.states) > 1 else []
    kept += [("kind", kind) for kind in query.kinds] if len(query.kinds) > 1 else []
    kept += [("tag", tag) for tag in query.tags] if len(query.tags) > 1 else []
    kept += [("provider", query.provider)] if query.provider else []
    return kept + ([("failed", "24h")] if query.failed else [])


def _chips(query: OverviewQuery) -> list[FilterChip]:
    def without(name: str, values: Sequence[str], value: str) -> str:
        return query.address(**{name: [one for one in values if one != value]})

    states = [state.value for state in query.states]
    chips = [
        FilterChip(f"state: {_state_words(one).lower()}", without("state", states, one.value)) for one in query.states
    ]
    chips += [FilterChip(f"kind: {kind}", without("kind", query.kinds, kind)) for kind in query.kinds]
    chips += [FilterChip(f"tag: {tag}", without("tag", query.tags, tag)) for tag in query.tags]
    chips += [FilterChip(f"region: {query.region}", query.address(region=""))] if query.region else []
    chips += [FilterChip(f"provider: {query.provider}", query.address(provider=""))] if query.provider else []
    chips += [FilterChip("failed within 24 h", query.address(failed=""))] if query.failed else []
    return chips + ([FilterChip(f"words: {query.text}", query.address(q=""))] if query.text else [])


def _state_words(state: StateFilter) -> str:
    return "Up, some differ" if state is StateFilter.REGIONAL else WORDS[ShownState(state.value)]


def _views(query: OverviewQuery, views: Sequence[SavedQuery], trouble: Sequence[int]) -> list[SavedTab]:
    here = query.address().removeprefix("?")
    pairs = zip(views, trouble, strict=True)
    return [SavedTab(name, f"/?{saved}", saved == here, number) for (name, saved), number in pairs]
