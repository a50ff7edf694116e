"""Regions: the list, the page of one with its way to the first vote, and what staff does to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.enrolment.codes import IssuedLine, issue
from vigil.enrolment.core.commands import FORMS, is_reachable_from_outside
from vigil.enrolment.ending import BY_HAND_ADVICE, by_hand_in_words, left_to_do, revoke
from vigil.monitors.live.workers import ANCHORS_ADVICE
from vigil.monitors.models import Region
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.regions import Milestone, RegionRow, RegionState, left_without, read_regions
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField, problems
from vigil.web.parts.marks import StateMark, mark

_STATES = {
    RegionState.VOTING: ShownState.UP,
    RegionState.LATE: ShownState.DEGRADED,
    RegionState.SKEWED: ShownState.DEGRADED,
    RegionState.ADRIFT: ShownState.DEGRADED,
    RegionState.QUARANTINED: ShownState.DEGRADED,
    RegionState.SILENT: ShownState.UNKNOWN,
    RegionState.UNCLEAR: ShownState.UNKNOWN,
    RegionState.WAITING: ShownState.NEW,
    RegionState.SHADOW: ShownState.NEW,
    RegionState.DRAINED: ShownState.PAUSED,
}
#: How long it is shown that a second worker tried a code.
REFUSALS_SHOWN = timedelta(days=1)
_DOMAIN_HINT = "What it shares with other regions and can lose together: a provider, a data centre, an office line."


@require_safe
@page
def regions(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Every region of the installation, those in trouble first."""
    available, rows = read_regions(reader.team, database_now())
    order = list(RegionState)
    rows.sort(key=lambda row: (order.index(row.state), row.region.slug))
    shown = {
        "available": available,
        "rows": [(row, mark_of(row)) for row in rows],
        "voting": sum(row.state is RegionState.VOTING for row in rows),
        "domains": len({row.region.domain for row in rows if row.region.enabled}),
        "by_hand": (by_hand_in_words(), BY_HAND_ADVICE) if available and reader.is_staff else ("", ""),
    }
    return render_page(request, reader, "regions", "regions.html", shown)


@require_safe
@page
def region(request: HttpRequest, reader: PageReader, slug: str) -> HttpResponse:
    """One region: its way to the first vote, its facts, and what would be left without it."""
    row = _row_of(reader, slug)
    shown = {**_context(reader, row), "enrolment": None}
    # The checklist alone, for the poll of a region that is not voting yet.
    if request.GET.get("part") == "checklist":
        return render_page(request, reader, "regions", "region_checklist.html", shown)
    return render_page(request, reader, "regions", "region.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_variables()
def add(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Add a region; the answer shows once the commands that start its worker."""
    _require_staff(reader)
    form = {name: request.POST.get(name, "").strip()[:100] for name in ("slug", "domain", "egress")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        made = Region(slug=form["slug"], name=form["slug"], domain=form["domain"], egress=form["egress"] or "public")
        try:
            made.full_clean()
            return _enrolled(request, reader, issue(made))
        except ValidationError as refused:
            errors = refused.message_dict
    shown = {"fields": _fields(form, errors), "problems": problems(errors)}
    return render_page(request, reader, "regions", "region_add.html", shown)


@require_POST
@page
@sensitive_variables()
def change(request: HttpRequest, reader: PageReader, slug: str) -> HttpResponse:
    """Rotate the key, drain, switch on or revoke; revoking asks for the region's name."""
    _require_staff(reader)
    found = get_object_or_404(Region, slug=slug)
    wish = request.POST.get("do", "")
    if wish == "rotate":
        return _enrolled(request, reader, issue(found))
    if wish == "revoke" and request.POST.get("name", "").strip() == found.slug:
        left = left_to_do(found, revoke(found))
        if left:
            shown = {**_context(reader, _row_of(reader, slug)), "enrolment": None, "left_to_do": left}
            return render_page(request, reader, "regions", "region.html", shown)
    elif wish in ("drain", "resume"):
        found.enabled = wish == "resume"
        found.save(update_fields=["enabled"])
    return redirect("region", slug)


def _enrolled(request: HttpRequest, reader: PageReader, issued: IssuedLine) -> HttpResponse:
    row = _row_of(reader, issued.region)
    base_url = configuration().base_url
    outside = is_reachable_from_outside(base_url)
    forms = sorted(FORMS, key=lambda form: form != ("docker" if outside else "checkout"))
    shown = {
        **_context(reader, row),
        "enrolment": issued,
        "forms": [(form, issued.commands[form]) for form in forms],
        "only_here": "" if outside else base_url,
        "anchors": ANCHORS_ADVICE,
    }
    answer = render_page(request, reader, "regions", "region.html", shown)
    answer["Cache-Control"] = "no-store"
    return answer


def _require_staff(reader: PageReader) -> None:
    if not reader.is_staff:
        raise PermissionDenied("Regions belong to the installation: its staff changes them.")


def _row_of(reader: PageReader, slug: str) -> RegionRow:
    found = next((row for row in read_regions(reader.team, database_now())[1] if row.region.slug == slug), None)
    if found is None:
        raise Http404
    return found


def _context(reader: PageReader, row: RegionRow) -> dict[str, Any]:
    return {
        "row": row,
        "mark": mark_of(row, pill=True),
        "milestones": [(one.value.capitalize(), one in row.reached) for one in Milestone],
        "is_voting": row.state is RegionState.VOTING,
        "tried": row.region.enrolment_codes.filter(refused_at__gt=database_now() - REFUSALS_SHOWN).first(),
        "left": left_without(reader.team, row.region),
    }


def mark_of(row: RegionRow, pill: bool = False) -> StateMark:
    """The mark of a region, in the words of its state."""
    return mark(_STATES[row.state], row.state.value.capitalize(), pill=pill)


def _fields(form: dict[str, str], errors: dict[str, list[str]]) -> list[FormField]:
    egress = [("public", "Public addresses only"), ("private", "This machine's networks too")]
    slug, domain, where = (errors.get(name, ()) for name in ("slug", "domain", "egress"))
    return [
        FormField("slug", "Name", form["slug"], hint="Such as eu-west.", errors=slug, required=True),
        FormField("domain", "Domain", form["domain"], hint=_DOMAIN_HINT, errors=domain, required=True),
        FormField("egress", "Where it may look", form["egress"], "select", options=egress, errors=where),
    ]
