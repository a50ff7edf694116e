"""Objectives: the list, the budget of one, and the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from vigil.accounts.models import Team
from vigil.alerts.wording.text import duration
from vigil.clock import database_now
from vigil.history.changes import save_objective
from vigil.history.models import Objective
from vigil.history.reading.objectives import in_words, objective_status
from vigil.history.reading.objectives import monitors_of as monitors_of_objective
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import SHOWN, monitor_boxes, monitors_of
from vigil.web.pages.row_forms.reading import Problems, chosen, lines, listed, text, whole
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField

OBJECTIVES_MOST = 500


class ObjectivesForm(RowForm[Objective]):
    """What it is about, and how much of the time it has to work."""

    key, noun, section, base = "objectives", "objective", "objectives", "objectives"
    place = "settings"
    renamed = {"target_percent": "target", "window_days": "window"}

    def rows(self, team: Team) -> QuerySet[Objective]:
        return Objective.objects.filter(team=team)

    def blank(self, reader: PageReader) -> Objective:
        return Objective(team=reader.team)

    def texts(self, row: Objective) -> dict[str, str]:
        return {
            "name": row.name,
            "monitor": row.monitor.public_id if row.monitor else "",
            "tag": row.tag,
            "target": f"{row.target_percent.normalize():f}",
            "window": str(row.window_days),
            "enabled": "on" if row.enabled else "",
        }

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        own = [
            field("name", "Name", required=True),
            monitor_boxes("monitor", "Monitor", team, sent, errors, "One, or a tag instead."),
            field("tag", "Tag", hint="All monitors with this tag together."),
            field("target", "Target", "number", unit="% of the time up", required=True),
            field("window", "Over", "number", unit="days", hint="The last 3 to 90 days.", required=True),
            field("enabled", "An alert is sent when its budget burns too fast", "checkbox"),
        ]
        return [FormBlock(own)]

    def read(self, team: Team, sent: Sent, row: Objective) -> dict[str, Any]:
        problems: Problems = {}
        monitors = chosen(monitors_of(team), lines(sent, "monitor"), "monitor", problems)
        if len(monitors) > 1:
            problems["monitor"] = ["One monitor. A tag covers several."]
        wanted = {
            "name": text(sent, "name"),
            "monitor": next(iter(monitors), None),
            "tag": text(sent, "tag"),
            "target_percent": _percent(sent, problems),
            "window_days": whole(sent, "window", problems, 3),
            "enabled": bool(sent.get("enabled")),
        }
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return wanted

    def write(self, row: Objective, wanted: Mapping[str, Any]) -> Objective:
        return save_objective(row, wanted)

    def means(self, row: Objective, now: datetime) -> Meaning:
        names = list(monitors_of_objective(row).order_by("name").values_list("name", flat=True)[: SHOWN + 1])
        about = listed(names, "No monitor")
        allowed = timedelta(days=row.window_days * float(100 - row.target_percent) / 100)
        warnings = [] if row.enabled else ["It is off: it alerts no one."]
        if not names:
            warnings.append(f"No monitor has the tag {row.tag}.")
        sentence = (
            f"{about} may be down for {duration(allowed)} in {row.window_days} days"
            f"{'' if len(names) < 2 else ', on average'}. An alert is sent before that is spent."
        )
        return Meaning(sentence, warnings=warnings)

    def address(self, row: Objective) -> str:
        return reverse("objective", args=[row.public_id])

    def index(self) -> str:
        return reverse("objectives")


def _percent(sent: Sent, problems: Problems) -> Decimal:
    given = text(sent, "target")
    try:
        found = Decimal(given) if len(given) <= 12 else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        problems["target"] = ["A number, such as 99.9."]
    return found


@require_safe
@page
def targets(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Objectives of the team; those whose budget burns too fast say so."""
    found = Objective.objects.filter(team=reader.team).select_related("monitor")[:OBJECTIVES_MOST]
    shown = {"objectives": found, "burning": sum(bool(one.pace) for one in found)}
    return render_section(request, reader, "objectives", "objectives.html", shown)


@require_safe
@page
def target(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """One objective: what is left of its budget."""
    found = get_object_or_404(Objective.objects.select_related("monitor"), team=reader.team, public_id=public_id[:40])
    shown = {"objective": found, "says": in_words(found, objective_status(found, database_now()))}
    return render_section(request, reader, "objectives", "objective.html", shown)
