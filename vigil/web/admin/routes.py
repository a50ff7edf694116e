"""Admin of routes, with starter routes and a preview of recipients."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.alerts.core.routes import ROUTE_KINDS, Severity
from vigil.alerts.models import Route
from vigil.alerts.routing.changes import route_warnings, save_route, validate_route
from vigil.alerts.routing.preview import Preview, who_would_be_told
from vigil.alerts.routing.starter_routes import arrange_typical
from vigil.alerts.wording.text import clock, duration
from vigil.clock import database_now
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Monitor, Priority
from vigil.web.admin.pieces import TeamAdminBase, as_form_errors, table
from vigil.web.admin.typed.fields import CommaWordsField

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def choices(values: Any) -> list[tuple[str, str]]:
    return [(value, str(value).replace("_", " ")) for value in values]


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]
    kinds = forms.MultipleChoiceField(
        choices=choices(ROUTE_KINDS), required=False, widget=forms.CheckboxSelectMultiple,
        help_text="Empty means all kinds that page, and notices: not regional, blind and self test.",
    )  # fmt: skip
    severities = forms.MultipleChoiceField(
        choices=choices(one.value for one in Severity), required=False, widget=forms.CheckboxSelectMultiple
    )
    priorities = forms.MultipleChoiceField(
        choices=Priority.choices, required=False, widget=forms.CheckboxSelectMultiple, help_text="Of the monitor."
    )
    days = forms.TypedMultipleChoiceField(
        choices=list(enumerate(DAYS)), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None means every day.",
    )  # fmt: skip
    tags = CommaWordsField("Monitors with any of these; empty means all.")

    class Meta:
        model = Route
        fields = (
            "team", "name", "position", "enabled", "kinds", "severities", "priorities", "tags", "monitor", "days",
            "starts", "ends", "zone", "channels", "policy", "remind_s", "notes", "goes_on", "default",
        )  # fmt: skip

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            as_form_errors(self, lambda: validate_route(self.instance, list(self.cleaned_data["channels"])))


@admin.register(Route)
class RouteAdmin(TeamAdminBase):
    form = RouteForm
    change_list_template = "web/admin/routes.html"
    list_display = ("name", "position", "asks", "tells", "goes_on", "default", "enabled", "team")
    list_filter = ("enabled", "team")
    search_fields = ("name", "public_id")
    autocomplete_fields = ("team", "monitor", "policy", "channels")
    list_select_related = ("team", "policy", "monitor")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("channels")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("whom/", self.admin_site.admin_view(whom), name="alerts_route_whom"),
            path("typical/", self.admin_site.admin_view(typical), name="alerts_route_typical"),
        ]
        return own + super().get_urls()

    @admin.display(description="asks for")
    def asks(self, route: Route) -> str:
        parts = [*route.kinds, *route.severities, *(f"{one} priority" for one in route.priorities), *route.tags]
        parts += [route.monitor.name] if route.monitor else []
        if route.days or route.starts:
            days = " ".join(DAYS[day][:3] for day in route.days)
            times = f"{route.starts:%H:%M} to {route.ends:%H:%M}" if route.starts and route.ends else ""
            parts.append(" ".join(part for part in (days, times, route.zone) if part))
        return ", ".join(parts) or "everything that pages"

    @admin.display(description="tells")
    def tells(self, route: Route) -> str:
        names = [channel.name for channel in route.channels.all()] + ([route.policy.name] if route.policy else [])
        return ", ".join(names) or "no one"

    def save_model(self, request: HttpRequest, obj: Route, form: RouteForm, change: bool) -> None:
        saved = save_route(obj, {"channels": list(form.cleaned_data["channels"])})
        for warning in route_warnings(saved):
            messages.warning(request, warning)


class WhomForm(forms.Form):
    team = forms.ModelChoiceField(Team.objects.all(), empty_label=None)
    monitor = forms.CharField(
        max_length=200,
        required=False,
        help_text="Name or id; empty for incidents without a monitor, such as a dark region.",
    )
    kind = forms.ChoiceField(choices=choices(kind.value for kind in IncidentKind))
    at = forms.DateTimeField(required=False, help_text="UTC; empty for now.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        named, team = cleaned.get("monitor"), cleaned.get("team")
        if named and team:
            owned = Monitor.objects.filter(team=team, deleted_at=None)
            cleaned["monitor"] = owned.filter(Q(public_id=named) | Q(name=named)).first()
            if cleaned["monitor"] is None:
                self.add_error("monitor", "The team has no monitor of this name or id.")
        return cleaned


@staff_member_required
def whom(request: HttpRequest) -> HttpResponse:
    """Preview of recipients; read-only."""
    if not request.user.has_perm("alerts.view_route"):
        raise PermissionDenied
    asked = request.GET if "kind" in request.GET else None
    form = WhomForm(asked, initial={"team": default_team(), "kind": IncidentKind.OUTAGE.value})
    shown: dict[str, Any] = {}
    if asked is not None and form.is_valid():
        wanted = form.cleaned_data
        at, monitor = wanted["at"] or database_now(), wanted["monitor"] or None
        shown = _tables(who_would_be_told(wanted["team"], monitor, IncidentKind(wanted["kind"]), at))
    context = {**admin.site.each_context(request), "title": "Who would be alerted?", "form": form, **shown}
    return TemplateResponse(request, "web/admin/whom.html", context)


def _tables(preview: Preview) -> dict[str, Any]:
    told: Sequence[tuple[object, ...]] = [
        (one.channel, one.channel.kind, _why(one.choice.concern.why, one.choice.concern.because), _outcome(one.choice))
        for one in preview.told
    ]
    called: Sequence[tuple[object, ...]] = [
        (_later(call.after), call.policy, ", ".join(call.targets.words) or "no one", "; ".join(call.targets.nowhere))
        for call in preview.called
    ]
    routes: Sequence[tuple[object, ...]] = [
        (each.rule.name, "matches" if each.miss is None else f"no: {each.miss.replace('_', ' ')}")
        for each in preview.considered
    ]
    return {
        "preview": preview,
        "told": table(("channel", "kind", "why", "then"), told) if told else "",
        "called": table(("if no one acknowledges", "policy", "whom", "leads nowhere"), called) if called else "",
        "routes": table(("route", "matches"), routes) if routes else "",
        "remind": duration(timedelta(seconds=preview.remind_s)) if preview.remind_s else "",
    }


def _why(why: str, because: str) -> str:
    return f"{why.replace('_', ' ')}: {because}" if because else why.replace("_", " ")


def _outcome(choice: Any) -> str:
    if choice.hold is None:
        return "alerted at once"
    until = f" until {clock(choice.hold.until)}" if choice.hold.until else ""
    return f"held: {choice.hold.reason.replace('_', ' ')} by {choice.hold.by}{until}"


def _later(after: timedelta) -> str:
    return f"after {duration(after)}" if after else "at once"


class TypicalForm(forms.Form):
    team = forms.ModelChoiceField(Team.objects.all(), empty_label=None)
    routing_key = forms.CharField(
        max_length=100, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="PagerDuty: the key of an Events API v2 integration.",
    )  # fmt: skip
    slack_url = forms.CharField(
        max_length=2000, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Slack: the address of an incoming webhook.",
    )  # fmt: skip


@staff_member_required
def typical(request: HttpRequest) -> HttpResponse:
    """Starter routes: AI API failures to PagerDuty, heartbeats to PagerDuty or Slack by priority."""
    if not request.user.has_perms(["alerts.add_route", "alerts.add_channel", "alerts.change_channel"]):
        raise PermissionDenied
    form = TypicalForm(request.POST or None, initial={"team": default_team()})
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            arranged = arrange_typical(wanted["team"], wanted["routing_key"], wanted["slack_url"])
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            made = f"Made: {', '.join(arranged.created) or 'nothing'}. Set: {', '.join(arranged.changed) or 'nothing'}."
            messages.success(request, made)
            return redirect("admin:alerts_route_changelist")
    context = {**admin.site.each_context(request), "title": "Starter routes", "form": form}
    return TemplateResponse(request, "web/admin/typical.html", context)
