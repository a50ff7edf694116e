"""Health of the installation: what `manage.py doctor` says, worst first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.clock import database_now
from vigil.doctor.findings import Level
from vigil.doctor.installation import examine_installation
from vigil.read_models.core.shown_states import ShownState
from vigil.web.pages.settings.sections import render_section, require_staff
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.marks import mark

_MARKS = {
    Level.PROBLEM: mark(ShownState.DOWN, "Problem"),
    Level.WARNING: mark(ShownState.DEGRADED, "Warning"),
    Level.NOTE: mark(ShownState.NEW, "Note"),
    Level.WELL: mark(ShownState.UP, "Passes"),
}


@require_safe
@page
def health(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Every finding with its remedy; it changes nothing."""
    require_staff(reader)
    order = list(Level)
    examined = sorted(examine_installation(), key=lambda one: -order.index(one.finding.level))
    to_mend = [one for one in examined if one.finding.level is not Level.WELL]
    shown = {
        "to_mend": [(one, _MARKS[one.finding.level]) for one in to_mend],
        "well": [(one, _MARKS[Level.WELL]) for one in examined if one.finding.level is Level.WELL],
        "checks": len({one.check for one in examined}),
        "problems": sum(one.finding.level is Level.PROBLEM for one in examined),
        "warnings": sum(one.finding.level is Level.WARNING for one in examined),
        "now": database_now(),
    }
    return render_section(request, reader, "health", "health.html", shown)
