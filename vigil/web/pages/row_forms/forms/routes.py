"""Form of routes: what they match, whom they tell, and which monitors they would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.alerts.core.routes import NOTICE, Severity
from vigil.alerts.models import EscalationPolicy, Route
from vigil.alerts.routing.changes import route_warnings, save_route
from vigil.code.core.durations import duration
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.core.wording import kind_in_words
from vigil.monitors.models import Priority
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.forms.route_reach import RouteReach, reach_of
from vigil.web.pages.row_forms.picking import boxes, channels_of, monitor_boxes, monitors_of, names_of
from vigil.web.pages.row_forms.reading import (
    Problems,
    chosen,
    clock_time,
    ids_of,
    lines,
    listed,
    seconds,
    text,
    whole,
    words,
)
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.schedules.route_words import tells, when
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

_DAYS = [(str(number), name) for number, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))]
_KINDS = [*((kind.value, kind_in_words(kind)) for kind in IncidentKind), (NOTICE, "Notice")]
_SWITCHES = ("notes", "goes_on", "default", "enabled")
#: Between the positions of two routes, so that one fits in.
STEP = 10


class RoutesForm(RowForm[Route]):
    """Conditions, and channels or a policy."""

    key, noun, section, base = "routes", "route", "routes", "on-call/routes"
    renamed = {"remind_s": "remind"}

    def rows(self, team: Team) -> QuerySet[Route]:
        return Route.objects.filter(team=team)

    def blank(self, reader: PageReader) -> Route:
        last = Route.objects.filter(team=reader.team).aggregate(last=Max("position"))["last"]
        return Route(team=reader.team, position=(last or 0) + STEP)

    def texts(self, row: Route) -> dict[str, str]:
        return {
            "name": row.name,
            "position": str(row.position),
            **{name: "\n".join(str(one) for one in getattr(row, name)) for name in
               ("kinds", "severities", "priorities", "days")},
            "tags": ", ".join(row.tags),
            "monitor": row.monitor.public_id if row.monitor else "",
            "starts": f"{row.starts:%H:%M}" if row.starts else "",
            "ends": f"{row.ends:%H:%M}" if row.ends else "",
            "zone": row.zone,
            "channels": ids_of(row.channels.order_by("name")) if row.pk else "",
            "policy": row.policy.public_id if row.policy else "",
            "remind": duration(row.remind_s * 1000) if row.remind_s else "",
            **{name: "on" if getattr(row, name) else "" for name in _SWITCHES},
        }  # fmt: skip

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        policies = names_of(EscalationPolicy.objects.filter(team=team))

        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        def checks(name: str, label: str, options: Sequence[tuple[str, str]], hint: str = "") -> FormField:
            return field(name, label, "checks", options=options, hint=hint)

        pages = "None: every kind that pages, which is not regional, blind and self test; and notices."
        priorities = [(one.value, str(one.label)) for one in Priority]
        severities = [(one.value, one.value.capitalize()) for one in Severity]
        matches = [
            checks("kinds", "Kinds of incidents", _KINDS, pages),
            field("tags", "Tags", hint="Words between commas. Monitors with any of them; empty for all."),
            checks("priorities", "Priorities", priorities, "None: all."),
            monitor_boxes("monitor", "Only this monitor", team, sent, errors, "None: all that match."),
        ]
        hours = [
            checks("severities", "Severities", severities, "None: all."),
            checks("days", "Days", _DAYS, "None: every day."),
            field("starts", "From", "time"),
            field("ends", "To", "time", hint="An end before the start is on the next day."),
            field("zone", "Time zone", hint="Of these times, such as Europe/Berlin."),
        ]
        told = [
            boxes("channels", "Channels", names_of(channels_of(team)), sent, errors, "Told at once."),
            field("policy", "Then the policy", "select", options=[("", "None"), *policies]),
            field("remind", "Again every", hint="Until a person acknowledges, such as 15m; empty for never."),
        ]
        rest = [
            field("position", "Position", "number", hint="Routes are asked from the lowest."),
            field("goes_on", "After it matched, ask later routes too", "checkbox"),
            field("default", "Only if no other route matches", "checkbox"),
            field("notes", "Also send notes between trigger and resolve", "checkbox"),
            field("enabled", "In use", "checkbox"),
        ]
        return [
            FormBlock([field("name", "Name", required=True)]),
            FormBlock(matches, "What it matches"),
            FormBlock(hours, "Severities and hours", folds=True),
            FormBlock(told, "Whom it tells"),
            FormBlock(rest, "Order and more", folds=True),
        ]

    def read(self, team: Team, sent: Sent, row: Route) -> dict[str, Any]:
        problems: Problems = {}
        monitors = chosen(monitors_of(team), lines(sent, "monitor"), "monitor", problems)
        if len(monitors) > 1:
            problems["monitor"] = ["A route is for one monitor. A tag covers several."]
        policy = chosen(EscalationPolicy.objects.filter(team=team), lines(sent, "policy"), "policy", problems)
        days = [int(one) if one in dict(_DAYS) else -1 for one in lines(sent, "days")]
        wanted = {
            "name": text(sent, "name"),
            "position": whole(sent, "position", problems),
            **{name: lines(sent, name) for name in ("kinds", "severities", "priorities")},
            "days": days,
            "tags": words(sent, "tags"),
            "monitor": next(iter(monitors), None),
            "starts": clock_time(sent, "starts", problems),
            "ends": clock_time(sent, "ends", problems),
            "zone": text(sent, "zone"),
            "channels": chosen(channels_of(team), lines(sent, "channels"), "channels", problems),
            "policy": next(iter(policy), None),
            "remind_s": seconds(sent, "remind", problems),
            **{name: bool(sent.get(name)) for name in _SWITCHES},
        }
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return wanted

    def write(self, row: Route, wanted: Mapping[str, Any]) -> Route:
        return save_route(row, wanted)

    def means(self, row: Route, now: datetime) -> Meaning:
        found = self.rows(row.team).select_related("monitor", "policy").prefetch_related("channels").get(pk=row.pk)
        sentence = f"Of {when(found)}: tell {tells(found)}."
        if not found.enabled:
            return Meaning(sentence, warnings=["It is not in use: no incident takes it."])
        at, reach = reach_of(found, now)
        title = "It would take now"
        if at is not None and at != now:
            title = f"It would take on {at:%a %d %b %H:%M} UTC; its hours are not now"
        told = [(kind_in_words(one.kind), _taken(one)) for one in reach]
        warnings = route_warnings(found)
        if not any(one.names for one in reach):
            warnings.append("It would take nothing: routes before it take it all, or no monitor matches.")
        return Meaning(sentence, title, told, warnings)

    def address(self, row: Route) -> str:
        return f"{reverse('on-call-routes')}#{row.public_id}"

    def index(self) -> str:
        return reverse("on-call-routes")


def _taken(reach: RouteReach) -> str:
    if reach.of is None:
        return "yes" if reach.names else "no"
    number = f"{len(reach.names):,} of {reach.of:,}"
    return f"{number}: {listed(reach.names, '', 4)}" if reach.names else number
