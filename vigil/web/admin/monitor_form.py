"""Monitor form of the admin: validated by the write path; secrets are write-only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import ValidationError

from vigil.accounts.sealed import Secrets
from vigil.monitors import changes
from vigil.monitors.dependencies import check_parents, parents_of
from vigil.monitors.models import DerivedKind, Monitor
from vigil.web.admin.pieces import AdmittedJSONField, NewSecretsField, PrettyJSONField


class MonitorForm(forms.ModelForm):  # type: ignore[type-arg]
    config = PrettyJSONField(help_text='What the prober needs, such as {"url": "https://api.example.com/health"}.')
    new_secrets = NewSecretsField()
    tags = AdmittedJSONField(required=False, initial=list, help_text='A list of words: ["payments", "eu"].')

    parents = forms.ModelMultipleChoiceField(
        queryset=Monitor.objects.filter(deleted_at=None),
        required=False,
        widget=FilteredSelectMultiple("parents", is_stacked=False),
        help_text="Monitors that it depends on: while one of them fails, its alerts are held.",
    )

    class Meta:
        model = Monitor
        fields = (
            "team", "name", "kind", "config", "new_secrets", "interval_s", "timeout_ms", "sensitivity", "regions",
            "tags", "priority", "paused", "parents",
        )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["priority"].required = False
        if self.instance.pk:
            self.initial["parents"] = parents_of(self.instance)

    def clean_priority(self) -> str:
        return str(self.cleaned_data.get("priority") or self.instance.priority)

    def clean_kind(self) -> str:
        kind = str(self.cleaned_data["kind"])
        if self.instance.pk is None and kind in DerivedKind:
            raise ValidationError(f"Regions do not check a {kind}: create it on its own page.")
        return kind

    def clean_tags(self) -> Any:
        return self.cleaned_data["tags"] or []

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        new: Secrets | None = self.cleaned_data.get("new_secrets")
        if new is not None:
            self.instance.secrets = new
        try:
            if self.instance.pk:
                changes.check_destination(Monitor.objects.get(pk=self.instance.pk), self.wanted())
            changes.validate_monitor(self.instance)
            check_parents(self.instance, self.cleaned_data["parents"])
        except ValidationError as refused:
            for field, problems in refused.message_dict.items():
                shown = {"secrets": "new_secrets", "__all__": None}.get(field, field)
                self.add_error(shown if shown in self.fields else None, problems)

    def wanted(self) -> dict[str, Any]:
        """Fields to pass to the write path."""
        values = {name: value for name, value in self.cleaned_data.items() if name in changes.SETTABLE}
        if self.cleaned_data.get("new_secrets") is not None:
            values["secrets"] = self.cleaned_data["new_secrets"]
        return values
