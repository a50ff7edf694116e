"""Subscribers of a status page: how many, a search, a removal, and the last updates, whose letters may go again."""

from __future__ import annotations

import csv
import io

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from vigil.status.models import PublicUpdate, StatusPage
from vigil.status.subscriber_models import Subscriber
from vigil.status.subscribers.changes import unsubscribe
from vigil.status.subscribers.overview import SHOWN, counts_of, last_told, shown, subscribers_of
from vigil.status.subscribers.resending import resend_letters
from vigil.web.pages.settings.sections import never_stored, render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField

#: What a spreadsheet takes for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def subscribers(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Counts for everyone of the team; addresses, which are people's, for those who may write."""
    row = _page(reader, public_id)
    if request.method == "POST":
        reader.require_writer()
        if update := request.POST.get("resend", "")[:40]:
            resend_letters(get_object_or_404(PublicUpdate, incident__page=row, public_id=update))
        else:
            one = get_object_or_404(Subscriber, page=row, public_id=request.POST.get("remove", "")[:40])
            unsubscribe(one.public_id)
        return redirect("subscribers", row.public_id)
    sought = request.GET.get("address", "").strip()[:500]
    found = subscribers_of(row, sought) if reader.may_write else Subscriber.objects.none()
    context = {
        "page": row,
        "counts": counts_of(row),
        "told": last_told(row),
        "rows": list(shown(found[:SHOWN])),
        "shown_most": SHOWN,
        "find": FormField("address", "Find a whole address", sought),
    }
    return never_stored(render_section(request, reader, "status-pages", "subscribers.html", context))


@require_safe
@page
def as_csv(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Every subscriber as a line of CSV."""
    reader.require_writer()
    row = _page(reader, public_id)
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(["id", "kind", "address", "about", "state", "reason", "confirmed_at"])
    for one in shown(subscribers_of(row)):
        confirmed = one.row.confirmed_at.isoformat() if one.row.confirmed_at else ""
        cells = [one.row.public_id, one.row.kind, one.address, one.about, one.row.state, one.row.off_reason, confirmed]
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULAS) else cell for cell in cells])
    answer = HttpResponse(lines.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="subscribers-{row.slug}.csv"'
    return never_stored(answer)


def _page(reader: PageReader, public_id: str) -> StatusPage:
    return get_object_or_404(StatusPage, team=reader.team, public_id=public_id[:40])
