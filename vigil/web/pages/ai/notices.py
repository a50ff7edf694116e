"""Notices: changes and dates ahead that were told, newest first."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vigil.model_watch.calendar import find_feed
from vigil.model_watch.notice_feed import notice_feed, notice_feed_address
from vigil.notices.core.notice import KIND_WORDS, NoticeKind
from vigil.notices.models import StoredNotice
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.filter_bars import FilterBar, FilterChip, FilterSelect, SelectOption
from vigil.web.parts.marks import mark

PAGE_SIZE = 50


@require_safe
@page
def notices(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Notices of the team: `kind`, `monitor` and `q` in the address, `before` for older ones."""
    asked = {name: request.GET.get(name, "")[:100] for name in ("kind", "monitor", "q", "before")}
    found = StoredNotice.objects.filter(team=reader.team)
    if asked["kind"] in set(NoticeKind):
        found = found.filter(kind=asked["kind"])
    if asked["monitor"]:
        found = found.filter(monitor__public_id=asked["monitor"])
    if asked["q"]:
        found = found.filter(title__icontains=asked["q"])
    if asked["before"].isascii() and asked["before"].isdigit() and len(asked["before"]) < 19:
        found = found.filter(pk__lt=int(asked["before"]))
    rows = list(found.select_related("monitor").order_by("-pk")[: PAGE_SIZE + 1])
    shown = {
        "notices": [(one, mark(ShownState.NEW, one.get_kind_display())) for one in rows[:PAGE_SIZE]],
        "bar": _bar(asked),
        "older": _query({**asked, "before": str(rows[PAGE_SIZE - 1].pk)}) if len(rows) > PAGE_SIZE else "",
        "filtered": any(asked.values()),
        "feed": notice_feed_address(reader.team) if reader.may_write else "",
    }
    return render_page(request, reader, "notices", "ai/notices.html", shown)


@never_cache
@require_safe
def feed(request: HttpRequest, team: str, key: str) -> HttpResponse:
    """The feed at its secret address; a 404 for a wrong one."""
    found = find_feed(team, key)
    if found is None:
        return HttpResponse("This feed does not exist.\n", content_type="text/plain; charset=utf-8", status=404)
    answer = HttpResponse(notice_feed(found), content_type="application/atom+xml; charset=utf-8")
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _bar(asked: dict[str, str]) -> FilterBar:
    kinds = [SelectOption(kind.value, KIND_WORDS[kind], kind.value == asked["kind"]) for kind in NoticeKind]
    words = {"kind": f"kind: {asked['kind']}", "monitor": f"monitor: {asked['monitor']}"}
    chips = [FilterChip(words[name], _query({**asked, name: "", "before": ""})) for name in words if asked[name]]
    kept = [("monitor", asked["monitor"])] if asked["monitor"] else []
    select = FilterSelect("kind", "Kind", [SelectOption("", "Any kind"), *kinds])
    return FilterBar("Search notices", asked["q"], [select], chips, "?", kept)


def _query(asked: dict[str, str]) -> str:
    return "?" + urlencode({name: value for name, value in asked.items() if value})
