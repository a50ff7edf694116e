"""On call: who is, which routes tell whom, who would be told, rotations as calendars, policies as ladders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from vigil.alerts.core.rotation import Shift, shifts, who_is_on_call
from vigil.alerts.models import EscalationPolicy, Person, Rotation, Route
from vigil.alerts.oncall.calendar import feed_address
from vigil.alerts.routing.escalations import steps_of, targets_of
from vigil.alerts.routing.preview import Preview, who_would_be_told
from vigil.alerts.routing.roster import Roster
from vigil.alerts.wording.text import duration
from vigil.clock import database_now
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.core.wording import kind_in_words
from vigil.monitors.models import Monitor
from vigil.web.pages.schedules.route_words import MISSES, held, tells, when, why
from vigil.web.pages.shell import PageReader, page, render_page

#: Monitors of the select; of more, the address may still name any.
MONITORS_MOST = 300
WEEKS = 4
_KINDS = [(kind.value, kind_in_words(kind)) for kind in IncidentKind]


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of a rotation: who is on call, in order; `is_today` in the rotation's zone."""

    date: date
    people: Sequence[str]
    is_today: bool


@dataclass(frozen=True, slots=True)
class LadderStep:
    """A step of a policy: when it is reached, whom it calls now, and what of it reaches no one."""

    after: str
    targets: Sequence[str]
    nowhere: Sequence[str]


@require_safe
@page
def on_call(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Who is on call and who would be told: `monitor`, `kind` and `at` (UTC) in the address."""
    now = datetime.now(UTC)
    asked = {name: request.GET.get(name, "")[:100] for name in ("monitor", "kind", "at")}
    kind = IncidentKind(asked["kind"]) if asked["kind"] in set(IncidentKind) else IncidentKind.OUTAGE
    monitors = _monitors(reader, asked["monitor"])
    at, refused = _moment(asked["at"], now)
    monitor = next((one for one in monitors if one.public_id == asked["monitor"]), None)
    if asked["monitor"] and monitor is None:
        refused.append("The team has no such monitor; showing an incident without one.")
    roster = Roster.read(reader.team.pk)
    names = {person.pk: person.name for person in roster.people.values()}
    shown = {
        "turns": [(one, *_turn(one, names, now)) for one in roster.rotations.values()],
        "policies": EscalationPolicy.objects.filter(team=reader.team),
        "monitors": sorted((one.name, one.public_id) for one in monitors),
        "kinds": _KINDS,
        "asked": {**asked, "kind": kind.value},
        "refused": refused,
        **_told(who_would_be_told(reader.team, monitor, kind, at, roster)),
    }
    return render_page(request, reader, "on-call", "on_call.html", shown)


def _monitors(reader: PageReader, asked: str) -> Sequence[Monitor]:
    """Monitors of the select, and the one that is asked for among them."""
    owned = Monitor.objects.filter(team=reader.team, deleted_at=None).defer("config", "secrets")
    is_asked = Case(When(public_id=asked, then=0), default=1)
    return list(owned.order_by(is_asked, "name")[:MONITORS_MOST])


def _moment(given: str, now: datetime) -> tuple[datetime, list[str]]:
    if not given:
        return now, []
    try:
        at = datetime.fromisoformat(given)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return now, [f"`at={given}` is not a time; showing now."]
    far = abs(at - now) > timedelta(days=3_660)
    return (now, [f"`at={given}` is too far away; showing now."]) if far else (at, [])


def _told(preview: Preview) -> dict[str, Any]:
    return {
        "preview": preview,
        "told": [(one.channel, why(one.choice), held(one.choice)) for one in preview.told],
        "called": [(duration(one.after) if one.after else "", one) for one in preview.called],
        "considered": [(each.rule.name, MISSES.get(each.miss, "") if each.miss else "") for each in preview.considered],
        "remind": duration(timedelta(seconds=preview.remind_s)) if preview.remind_s else "",
    }


@require_safe
@page
def routes(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Routes of the team as sentences, in the order in which they are asked."""
    found = Route.objects.filter(team=reader.team).select_related("monitor", "policy").prefetch_related("channels")
    shown = {"routes": [(route, when(route), tells(route)) for route in found]}
    return render_page(request, reader, "on-call", "routes.html", shown)


@require_safe
@page
def rotation(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Four weeks of a rotation as a calendar, and its overrides; a 404 for another team's."""
    found = get_object_or_404(_rotations(reader), public_id=public_id)
    now, names = database_now(), _names(reader)
    zone = ZoneInfo(found.zone)
    monday = now.astimezone(zone).date() - timedelta(days=now.astimezone(zone).weekday())
    coming = [one for one in found.overrides.all() if one.ends_at > now]
    person, until = _turn(found, names, now)
    shown = {
        "rotation": found,
        "person": person,
        "until": until,
        "weeks": _weeks(found, names, monday, now),
        "overrides": [(names.get(one.person_id, "A former member"), one) for one in coming],
        "people": [names.get(member.person_id, "A former member") for member in found.members.all()],
        "feed": feed_address(found) if reader.may_write else "",
    }
    return render_page(request, reader, "on-call", "rotation.html", shown)


def _weeks(found: Rotation, names: dict[int, str], monday: date, now: datetime) -> list[list[CalendarDay]]:
    zone = ZoneInfo(found.zone)
    edges = [datetime.combine(monday + timedelta(days=day), datetime.min.time(), zone) for day in range(7 * WEEKS + 1)]
    turns = shifts(found.schedule, edges[0], edges[-1])
    today = now.astimezone(zone).date()
    days = [
        CalendarDay(starts.date(), _people(turns, names, starts, ends), starts.date() == today)
        for starts, ends in pairwise(edges)
    ]
    return [days[first : first + 7] for first in range(0, len(days), 7)]


def _people(turns: Sequence[Shift], names: dict[int, str], starts: datetime, ends: datetime) -> list[str]:
    return [
        names.get(one.person, "A former member") + (" (stands in)" if one.covers else "")
        for one in turns
        if one.starts < ends and one.ends > starts
    ]


@require_safe
@page
def policy(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """A policy as a ladder: whom each step would call now; a 404 for another team's."""
    found = get_object_or_404(EscalationPolicy, team=reader.team, public_id=public_id)
    now, waited = database_now(), timedelta()
    ladder = []
    for step in steps_of(found.pk):
        waited += timedelta(seconds=step.delay_s)
        targets = targets_of(step, now + waited)
        ladder.append(LadderStep(duration(waited) if waited else "", targets.words, targets.nowhere))
    routes = Route.objects.filter(team=reader.team, policy=found)
    return render_page(request, reader, "on-call", "policy.html", {"policy": found, "ladder": ladder, "routes": routes})


def _rotations(reader: PageReader) -> QuerySet[Rotation]:
    return Rotation.objects.filter(team=reader.team).prefetch_related("members", "overrides")


def _names(reader: PageReader) -> dict[int, str]:
    return dict(Person.objects.filter(team=reader.team).values_list("pk", "name"))


def _turn(found: Rotation, names: dict[int, str], now: datetime) -> tuple[str, datetime | None]:
    shift = who_is_on_call(found.schedule, now)
    return (names.get(shift.person, "A former member"), shift.ends) if shift else ("", None)
