"""Admin of incidents: every step, with the votes it rests on, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from vigil.alerts.models import Delivery
from vigil.alerts.telling import evidence_of
from vigil.alerts.wording import duration, exclusion_in_words
from vigil.incidents.models import Incident, Transition
from vigil.web.admin.pieces import ReadOnlyAdmin, table


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "open"), ("resolved", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        if self.value() is None:
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "failure", "opened_at", "resolved_at", "lasted", "team")
    list_filter = (OpenFilter, "kind", "team")
    search_fields = ("title", "public_id", "monitor__name", "monitor__public_id")
    list_select_related = ("team", "monitor")
    date_hierarchy = "opened_at"
    fields = (
        "public_id", "title", "kind", "monitor", "team", "failure", "started_at", "opened_at", "resolved_at",
        "flapping", "life", "told",
    )  # fmt: skip
    readonly_fields = ("life", "told")

    @admin.display(description="lasted")
    def lasted(self, incident: Incident) -> str:
        return duration((incident.resolved_at or timezone.now()) - incident.started_at)

    @admin.display(description="steps")
    def life(self, incident: Incident) -> str:
        steps = ((_step(step),) for step in incident.transitions.order_by("seq"))
        return format_html_join("", "{}", steps)

    @admin.display(description="told")
    def told(self, incident: Incident) -> str:
        deliveries = Delivery.objects.filter(incident=incident).select_related("channel").order_by("id")
        rows = [(one.channel, one.event, one.state, one.attempts, one.sent_at, one.last_error) for one in deliveries]
        return table(("channel", "event", "state", "attempts", "sent at", "last error"), rows) if rows else "nobody"


def _step(step: Transition) -> str:
    evidence = evidence_of(step.evidence)
    heading = format_html(
        "<h3>{}. {} ({}), {}</h3><p>{}</p>", step.seq, step.step, step.reason, f"{step.at:%Y-%m-%d %H:%M:%S} UTC",
        step.text,
    )  # fmt: skip
    if not evidence.votes and not evidence.excluded:
        return heading
    votes: list[tuple[object, ...]] = [
        (vote.region, vote.domain, vote.status, vote.reason, vote.code or "", vote.attempts, f"{vote.total_ms:.1f} ms",
         vote.detail)
        for vote in evidence.votes
    ]  # fmt: skip
    excluded: list[tuple[object, ...]] = [
        (lost.region, lost.domain, "not counted", exclusion_in_words(lost.why), "", "", "", "")
        for lost in evidence.excluded
    ]
    law = format_html(
        "<p>n = {}, m = {}, k = {}, domains = {}, looks = {}, rule {}</p>",
        evidence.n, evidence.m, evidence.k, evidence.domains, evidence.looks, evidence.rule,
    )  # fmt: skip
    shown = table(("region", "domain", "status", "reason", "code", "attempts", "total", "detail"), votes + excluded)
    return format_html("{}{}{}", heading, shown, law)
