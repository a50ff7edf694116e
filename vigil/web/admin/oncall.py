"""Admin of people, rotations and escalation policies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.alerts.core.rotation import shifts, who_is_on_call
from vigil.alerts.models import (
    EscalationPolicy,
    EscalationStep,
    Person,
    Rotation,
    RotationMember,
    RotationOverride,
)
from vigil.alerts.oncall.calendar import feed_address, renew_feed_key
from vigil.alerts.wording.text import clock
from vigil.clock import is_zone
from vigil.web.admin.pieces import TeamAdminBase, table


class SameTeamForm(forms.ModelForm):  # type: ignore[type-arg]
    """Related rows must belong to the same team."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            rows = list(value) if isinstance(value, QuerySet) else [value]
            if any(self._is_foreign(row) for row in rows):
                self.add_error(name, "Must belong to the same team.")
        if "zone" in cleaned and not is_zone(cleaned["zone"]):
            self.add_error("zone", "Unknown time zone: use a name such as Europe/Berlin.")
        return cleaned

    def _is_foreign(self, row: object) -> bool:
        team = self.cleaned_data.get("team") or getattr(self.instance, "team", None)
        return team is not None and getattr(row, "team_id", team.pk) != team.pk


class SameTeamFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The same for rows within a row."""

    def clean(self) -> None:
        super().clean()
        team = getattr(self.instance, "team_id", None)
        for form in self.forms:
            for name, value in list(getattr(form, "cleaned_data", {}).items()):
                rows = list(value) if isinstance(value, QuerySet) else [value]
                if any(getattr(row, "team_id", team) != team for row in rows):
                    form.add_error(name, "Must belong to the same team.")


@admin.register(Person)
class PersonAdmin(TeamAdminBase):
    form = SameTeamForm
    list_display = ("name", "reached_by", "user", "team")
    list_filter = ("team",)
    search_fields = ("name", "public_id")
    autocomplete_fields = ("team", "user", "channels")
    fields = ("team", "name", "user", "channels")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        return super().get_queryset(request).select_related("team", "user").prefetch_related("channels")

    @admin.display(description="reached by")
    def reached_by(self, person: Person) -> str:
        return ", ".join(channel.name for channel in person.channels.all()) or "none: cannot be called"


class RotationMemberInline(admin.TabularInline):  # type: ignore[type-arg]
    model = RotationMember
    formset = SameTeamFormSet
    extra = 1
    autocomplete_fields = ("person",)


class OverrideInline(admin.TabularInline):  # type: ignore[type-arg]
    model = RotationOverride
    formset = SameTeamFormSet
    extra = 0
    fields = ("person", "starts_at", "ends_at")
    autocomplete_fields = ("person",)


@admin.register(Rotation)
class RotationAdmin(TeamAdminBase):
    """On-call rotations; the calendar's address is a secret, shown to people who may change it."""

    form = SameTeamForm
    list_display = ("name", "now", "shift_days", "handover", "zone", "team")
    list_filter = ("team",)
    search_fields = ("name", "public_id")
    autocomplete_fields = ("team",)
    inlines = (RotationMemberInline, OverrideInline)
    readonly_fields = ("now", "coming", "calendar")
    fields = ("team", "name", "zone", "starts_on", "handover", "shift_days", "now", "coming", "calendar")
    actions = ("renew_calendar",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rotation]:
        whole = super().get_queryset(request).select_related("team")
        return whole.prefetch_related("members__person", "overrides__person")

    @admin.display(description="on call now")
    def now(self, rotation: Rotation) -> str:
        if rotation._state.adding:
            return "-"
        # Shown and not decided: a query for each row would be one for the clock alone.
        shift = who_is_on_call(rotation.schedule, timezone.now())
        return f"{_names(rotation)[shift.person]} until {clock(shift.ends)}" if shift else "no one"

    @admin.display(description="the next four weeks")
    def coming(self, rotation: Rotation) -> str:
        if rotation._state.adding:
            return "-"
        now, names = timezone.now(), _names(rotation)
        rows = [
            (clock(shift.starts), clock(shift.ends), names[shift.person], "stands in" if shift.covers else "")
            for shift in shifts(rotation.schedule, now, now + timedelta(days=28))
        ]
        return table(("from", "until", "who", ""), rows) if rows else "no one"

    @admin.display(description="calendar")
    def calendar(self, rotation: Rotation) -> str:
        return feed_address(rotation) if rotation.pk else "-"

    @admin.action(description="Issue a new calendar address", permissions=["change"])
    def renew_calendar(self, request: HttpRequest, queryset: QuerySet[Rotation]) -> None:
        for rotation in queryset:
            messages.warning(request, f"{rotation}: {renew_feed_key(rotation)}")


class StepInline(admin.StackedInline):  # type: ignore[type-arg]
    model = EscalationStep
    formset = SameTeamFormSet
    extra = 1
    autocomplete_fields = ("channels", "people", "rotations")
    fields = ("position", "delay_s", "channels", "people", "rotations")


@admin.register(EscalationPolicy)
class PolicyAdmin(TeamAdminBase):
    form = SameTeamForm
    list_display = ("name", "steps_in_words", "repeats", "team")
    list_filter = ("team",)
    search_fields = ("name", "public_id")
    autocomplete_fields = ("team",)
    fields = ("team", "name", "repeats")
    inlines = (StepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EscalationPolicy]:
        return super().get_queryset(request).select_related("team").prefetch_related("steps")

    @admin.display(description="steps")
    def steps_in_words(self, policy: EscalationPolicy) -> str:
        return ", then ".join(f"after {step.delay_s} s" if step.delay_s else "at once" for step in policy.steps.all())


def _names(rotation: Rotation) -> dict[int, str]:
    """Names of all who may be on call, by their keys."""
    rows: list[Any] = [*rotation.members.all(), *rotation.overrides.all()]
    return {row.person_id: row.person.name for row in rows}
