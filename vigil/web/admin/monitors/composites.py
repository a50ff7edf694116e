"""Admin of composites: a rule and its members, validated by the write path before saving."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.sites import site
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.monitors import changes
from vigil.monitors.composites import Member, create_composite, update_composite
from vigil.monitors.models import Composite, CompositeMember, Monitor
from vigil.web.admin.pieces import ManagedAdmin
from vigil.web.admin.typed.fields import CommaWordsField


class _Undone(Exception):
    """Rolls back a successful trial."""


class CompositeForm(forms.ModelForm):  # type: ignore[type-arg]
    team = forms.ModelChoiceField(
        queryset=Team.objects.all(),
        initial=lambda: default_team().pk,
        widget=AutocompleteSelect(Monitor._meta.get_field("team"), site),
    )
    name = forms.CharField(max_length=200)
    tags = CommaWordsField("Such as payments, eu.")
    paused = forms.BooleanField(required=False)

    class Meta:
        model = Composite
        fields = ("rule", "k")
        help_texts = {
            "rule": "How many members must work. In a chain or readiness rank 0 serves, higher ranks are fallbacks.",
            "k": "How many members must work; only for the rule at_least.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            monitor = self.instance.monitor
            self.fields["team"].disabled = True
            of_monitor = {"team": monitor.team_id, "name": monitor.name, "tags": monitor.tags, "paused": monitor.paused}
            self.initial.update(of_monitor)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        # The members are in a formset, which validates the whole.
        self.instance.wanted = None if self.errors else dict(self.cleaned_data)


class MemberFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    members: list[Member]

    def clean(self) -> None:
        super().clean()
        wanted = getattr(self.instance, "wanted", None)
        if any(self.errors) or wanted is None:
            return
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        self.members = [Member(row["monitor"], row["rank"], row.get("group", "")) for row in rows if row.get("monitor")]
        try:
            with transaction.atomic():
                write(self.instance, wanted, self.members)
                raise _Undone
        except _Undone:
            return
        except ValidationError as refused:
            raise forms.ValidationError(refused.messages) from None


def write(composite: Composite, wanted: dict[str, Any], members: list[Member]) -> Composite:
    """Create or change a composite from the two forms; raises `ValidationError`."""
    fields = {name: wanted[name] for name in ("name", "tags", "paused", "rule", "k")} | {"members": members}
    if composite._state.adding:
        return create_composite(wanted["team"], fields)
    update_composite(Composite.objects.select_related("monitor").get(pk=composite.pk), fields)
    return composite


class CompositeMemberInline(admin.TabularInline):  # type: ignore[type-arg]
    model = CompositeMember
    formset = MemberFormSet
    fields = ("monitor", "rank", "group")
    autocomplete_fields = ("monitor",)
    extra = 2


@admin.register(Composite)
class CompositeAdmin(ManagedAdmin):
    form = CompositeForm
    inlines = (CompositeMemberInline,)
    list_display = ("name", "status", "rule", "k", "members", "team")
    list_filter = ("rule", "monitor__believed__status", "monitor__team")
    search_fields = ("monitor__name", "=monitor__public_id")
    ordering = ("-pk",)
    fields = ("team", "name", "rule", "k", "tags", "paused")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Composite]:
        living = Composite.objects.filter(monitor__deleted_at=None)
        return living.select_related("monitor__team", "monitor__believed").prefetch_related("members__monitor")

    @admin.display(description="name", ordering="monitor__name")
    def name(self, composite: Composite) -> str:
        return composite.monitor.name

    @admin.display(description="team")
    def team(self, composite: Composite) -> str:
        return str(composite.monitor.team)

    @admin.display(description="status")
    def status(self, composite: Composite) -> str:
        state = getattr(composite.monitor, "believed", None)
        return "paused" if composite.monitor.paused else str(state.status) if state else "unknown"

    @admin.display(description="members")
    def members(self, composite: Composite) -> str:
        return ", ".join(member.monitor.name for member in composite.members.all())

    def save_model(self, request: HttpRequest, obj: Composite, form: Any, change: bool) -> None:
        """Nothing: written with its members in one transaction, in `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        saved = write(form.instance, form.cleaned_data, formsets[0].members)
        form.instance.pk, form.instance.monitor = saved.pk, saved.monitor
        for formset in formsets:
            # For the admin's log.
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def delete_model(self, request: HttpRequest, obj: Composite) -> None:
        changes.delete_monitor(obj.monitor)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Composite]) -> None:
        for composite in queryset:
            changes.delete_monitor(composite.monitor)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The composites only: their incidents and members stay."""
        return [str(composite) for composite in objs], {"composites": len(objs)}, set(), []
