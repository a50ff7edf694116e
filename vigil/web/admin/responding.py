"""Incident responses in the admin: acknowledge, snooze, unacknowledge, note."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.html import format_html

from vigil.alerts.models import Delivery, Pursuit
from vigil.alerts.oncall.responses import Actor, ResponseKind, acknowledge, note, snooze, take_back
from vigil.alerts.wording.text import clock
from vigil.clock import database_now
from vigil.incidents.models import Incident
from vigil.web.admin.pieces import table

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Incident]
else:
    _Admin = object

SNOOZE = timedelta(hours=1)


class Responding(_Admin):
    """For the admin of incidents, whose rows are otherwise read-only."""

    change_form_template = "web/admin/incident.html"
    actions: Sequence[Any] = ("acknowledge", "snooze_an_hour", "take_back")

    def get_urls(self) -> list[URLPattern]:
        respond = path("<int:key>/respond/", self.admin_site.admin_view(self.respond), name="incidents_respond")
        return [respond, *super().get_urls()]

    def has_respond_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("incidents.change_incident")

    @admin.action(description="Acknowledge", permissions=["respond"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        self._report(request, [acknowledge(incident.pk, _actor(request)) for incident in queryset])

    @admin.action(description="Snooze for an hour", permissions=["respond"])
    def snooze_an_hour(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        until = database_now() + SNOOZE
        self._report(request, [snooze(incident.pk, _actor(request), until) for incident in queryset])

    @admin.action(description="Remove the acknowledgement", permissions=["respond"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        self._report(request, [take_back(incident.pk, _actor(request)) for incident in queryset])

    def respond(self, request: HttpRequest, key: int) -> HttpResponse:
        """Do what the form on the incident's page requests."""
        if not self.has_respond_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        incident = get_object_or_404(Incident, pk=key)
        actor, wish = _actor(request), request.POST.get("do")
        answer = ResponseKind.REFUSED
        if wish == "acknowledge":
            answer = acknowledge(incident.pk, actor)
        elif wish == "snooze":
            answer = snooze(incident.pk, actor, database_now() + SNOOZE)
        elif wish == "take_back":
            answer = take_back(incident.pk, actor)
        elif wish == "note":
            answer = note(incident.pk, actor, request.POST.get("text", ""))
        self._report(request, [answer])
        return redirect("admin:incidents_incident_change", incident.pk)

    @admin.display(description="acknowledged by")
    def pursued(self, incident: Incident) -> str:
        if incident.resolved_at is not None:
            return "over"
        found: Pursuit | None = getattr(incident, "pursuit", None)
        if found is None or found.acknowledged_at is None:
            return "not acknowledged"
        until = f", until {clock(found.snoozed_until)}" if found.snoozed_until else ""
        return f"{found.acknowledged_by}{until}"

    @admin.display(description="told")
    def told(self, incident: Incident) -> str:
        deliveries = Delivery.objects.filter(incident=incident).select_related("channel", "transition").order_by("id")
        rows = [
            (one.step.seq, one.channel, one.event, one.state, _why(one), _withheld(one), one.attempts,
             clock(one.sent_at) if one.sent_at else "", one.last_error)
            for one in deliveries
        ]  # fmt: skip
        headings = ("step", "channel", "event", "state", "why", "withheld", "attempts", "sent at", "last error")
        return table(headings, rows) if rows else format_html("{}", "no one")

    def _report(self, request: HttpRequest, answers: list[ResponseKind]) -> None:
        done = sum(answer is ResponseKind.DONE for answer in answers)
        said = ", ".join(sorted({answer.value for answer in answers if answer is not ResponseKind.DONE}))
        level = messages.SUCCESS if done else messages.WARNING
        messages.add_message(request, level, f"{done} done." + (f" Others: {said}." if said else ""))


def _actor(request: HttpRequest) -> Actor:
    return Actor(request.user.get_username(), "admin")


def _why(delivery: Delivery) -> str:
    why = delivery.why.replace("_", " ")
    return f"{why}: {delivery.because}" if delivery.because else why


def _withheld(delivery: Delivery) -> str:
    if not delivery.withheld:
        return ""
    by: Any = f" by {delivery.held_by}" if delivery.held_by else ""
    until = f" until {clock(delivery.held_until)}" if delivery.held_until else ""
    return f"{delivery.withheld.replace('_', ' ')}{by}{until}"
