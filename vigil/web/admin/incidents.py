"""Admin of incidents: steps with votes and deliveries, and responses."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from consensus.review.evidence import from_evidence, is_verdict
from consensus.review.vote_table import VoteRow, vote_rows, why_in_words
from vigil.alerts.wording.text import duration
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident, Transition
from vigil.web.admin.pieces import ReadOnlyAdmin, table
from vigil.web.admin.responding import Responding


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "open"), ("resolved", "resolved")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        if self.value() is None:
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() == "open")


class KindFilter(admin.SimpleListFilter):
    """Self-tests are no failures, and there are hundreds a day: they are listed by name only."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(kind.value, kind.value.replace("_", " ")) for kind in IncidentKind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        if self.value():
            return queryset.filter(kind=self.value())
        # The page of one incident is found by the same query.
        is_list = request.resolver_match is None or "object_id" not in request.resolver_match.kwargs
        return queryset.exclude(kind=IncidentKind.SELF_TEST) if is_list else queryset


@admin.register(Incident)
class IncidentAdmin(Responding, ReadOnlyAdmin):
    list_display = ("title", "kind", "failure", "opened_at", "resolved_at", "lasted", "pursued", "team")
    list_filter = (OpenFilter, KindFilter, "opened_at", "team", "monitor")
    search_fields = ("title", "=public_id", "monitor__name", "=monitor__public_id")
    list_select_related = ("team", "monitor", "pursuit")
    fields = (
        "public_id", "title", "kind", "monitor", "team", "failure", "started_at", "opened_at", "resolved_at",
        "flaps", "pursued", "provider", "part_of", "together", "life", "told",
    )  # fmt: skip
    readonly_fields = ("flaps", "pursued", "together", "life", "told")

    @admin.display(description="flapping")
    def flaps(self, incident: Incident) -> str:
        # In words: the cross of a boolean reads as an alarm.
        return "yes" if incident.flapping else "no"

    @admin.display(description="lasted")
    def lasted(self, incident: Incident) -> str:
        return duration((incident.resolved_at or timezone.now()) - incident.started_at)

    @admin.display(description="steps")
    def life(self, incident: Incident) -> str:
        steps = ((_step(step),) for step in incident.transitions.order_by("seq"))
        return format_html_join("", "{}", steps)

    @admin.display(description="monitors that fail together")
    def together(self, incident: Incident) -> str:
        members = incident.members.select_related("monitor").order_by("pk")[:200]
        rows = [(one.monitor, one.kind, one.failure, one.started_at, one.resolved_at or "open") for one in members]
        return table(("monitor", "kind", "failure", "since", "resolved"), rows) if rows else "none"


def _step(step: Transition) -> str:
    heading = format_html(
        "<h3>{}. {} ({}), {}</h3><p>{}</p>", step.seq, step.step, step.reason, f"{step.at:%Y-%m-%d %H:%M:%S} UTC",
        step.text,
    )  # fmt: skip
    if not is_verdict(step.evidence):
        return heading
    verdict = from_evidence(step.evidence)
    law = format_html(
        "<p>n = {}, m = {}, k = {}, domains = {}, looks = {}, sensitivity {}, rule {}</p>",
        verdict.n, verdict.m, verdict.k, verdict.domains, len(verdict.looks_ms) or "?", verdict.sensitivity,
        verdict.rule,
    )  # fmt: skip
    return format_html("{}{}{}", heading, table(_HEADINGS, [_row(line) for line in vote_rows(verdict)]), law)


_HEADINGS = (
    "look", "region", "domain", "status", "reason", "code", "age", "dns", "connect", "tls", "first byte", "total",
    "usually", "attempts", "detail", "address", "counted",
)  # fmt: skip


def _row(line: VoteRow) -> tuple[object, ...]:
    phases = line.phases
    times = (phases.dns_us, phases.connect_us, phases.tls_us, phases.first_byte_us, phases.total_us, line.usual_us)
    return (
        line.look or "", line.region, line.domain, line.status, line.reason, line.code or "",
        f"{line.age_ms / 1000:.1f} s" if line.look else "", *(f"{us / 1000:.1f} ms" if us else "" for us in times),
        line.attempts or "", line.detail, line.address, why_in_words(line),
    )  # fmt: skip
