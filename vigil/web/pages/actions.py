"""Actions of the overview: on picked monitors, their undoing, and saved views; a script gets JSON, a form a page."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from vigil.web import bulk
from vigil.web.models import BulkAction, BulkKind, SavedView
from vigil.web.pages.shell import PageReader, page, render_page

MOST_VIEWS = 20
_JSON = "application/json"
_MONITOR = re.compile(r"mon_[0-9A-Za-z]{1,40}")


@require_POST
@page
def act(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Pause, resume, silence or tag the monitors of the form."""
    form = request.POST
    try:
        _require_writer(reader)
        if form.get("do") not in set(BulkKind):
            raise bulk.BulkRefused("Choose what to do.")
        ids = list(dict.fromkeys(form.getlist("id")))
        wish = bulk.BulkWish(
            BulkKind(form["do"]), ids, form.get("press", ""), form.get("minutes", ""), form.get("tag", "")
        )
        done = bulk.do(reader.user, reader.team, wish)
    except bulk.BulkRefused as refused:
        return _refusal(request, str(refused))
    return _answer(request, done.said, done, form.get("back", ""))


@require_POST
@page
def undo(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Undo an action of the last ten minutes."""
    try:
        _require_writer(reader)
        done = bulk.undo(reader.user, reader.team, public_id)
    except bulk.BulkRefused as refused:
        return _refusal(request, str(refused))
    return _answer(request, f"Undone: {done.said}", None, request.GET.get("back", ""))


@require_safe
@page
def actions(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """What the reader did of late, each with its undoing."""
    shown = {"actions": bulk.recent(reader.user, reader.team)}
    return render_page(request, reader, "overview", "actions.html", shown)


@require_POST
@page
def save_view(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Name the query of the form; an empty query deletes the view of that name. A view is the reader's own."""
    name, query = request.POST.get("name", "").strip()[:40], request.POST.get("query", "")[:1000]
    mine = SavedView.objects.filter(user=reader.user, team=reader.team)
    if request.POST.get("do") == "delete":
        mine.filter(name=name).delete()
        return redirect("home")
    if name and (mine.filter(name=name).exists() or mine.count() < MOST_VIEWS):
        named: dict[str, Any] = {"user": reader.user, "team": reader.team, "name": name}
        SavedView.objects.update_or_create(**named, defaults={"query": query.removeprefix("?")})
    return HttpResponseRedirect(f"{reverse('home')}?{query.removeprefix('?')}")


def _require_writer(reader: PageReader) -> None:
    try:
        reader.require_writer()
    except PermissionDenied as refused:
        raise bulk.BulkRefused(str(refused)) from None


def toast_of(request: HttpRequest, reader: PageReader, back: str = "") -> dict[str, str] | None:
    """What was just done without a script, with its undoing; `back` names the monitor whose page it leads back to."""
    wanted = request.GET.get("done", "")
    if not wanted:
        return None
    mine = BulkAction.objects.filter(user=reader.user, team=reader.team, undone_at=None, public_id=wanted[:40])
    done = mine.first()
    if done is None:
        return None
    return {"text": done.said, "undo": reverse("undo", args=[done.public_id]) + (f"?back={back}" if back else "")}


def _answer(request: HttpRequest, text: str, done: BulkAction | None, back: str = "") -> HttpResponse:
    can_undo = done is not None and bool(done.done.get("monitors")) and done.undone_at is None
    if _JSON in request.headers.get("Accept", ""):
        address = reverse("undo", args=[done.public_id]) if done is not None and can_undo else ""
        return JsonResponse({"text": text, "undo": address})
    page_of = reverse("monitor", args=[back]) if _MONITOR.fullmatch(back) else reverse("home")
    return redirect(page_of + (f"?done={done.public_id}" if done is not None and can_undo else ""))


def _refusal(request: HttpRequest, text: str) -> HttpResponse:
    if _JSON in request.headers.get("Accept", ""):
        return JsonResponse({"text": text}, status=409)
    raise PermissionDenied(text)
