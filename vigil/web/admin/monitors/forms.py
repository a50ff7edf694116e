"""Monitor forms of the admin: validated by the write path; secrets are write-only."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from django.contrib.admin.sites import site
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vigil.accounts.sealed import Secrets
from vigil.monitors import changes
from vigil.monitors.dependencies import check_parents, parents_of
from vigil.monitors.models import Dependency, DerivedKind, Monitor
from vigil.monitors.presets import GIVEN, fields_from_preset
from vigil.monitors.validation import MAX_SECRET_LENGTH, validate_monitor
from vigil.web.admin.pieces import AdmittedJSONField, NewSecretsField, PrettyJSONField, table

#: Fields that a preset sets, besides those it recommends.
_MADE = ("kind", "config")
_RECOMMENDED = ("name", "interval_s", "timeout_ms")


def config_fields() -> dict[str, list[str]]:
    """Fields of the configuration of each kind that regions check."""
    # Imported late: most processes never show this page, and the probers load slowly.
    from probes.probers import PROBERS

    return {kind: [each.name for each in msgspec.structs.fields(one.spec)] for kind, one in sorted(PROBERS.items())}


def _fields_of_every_kind() -> SafeString:
    rows = [(kind, ", ".join(names)) for kind, names in config_fields().items()]
    return format_html(
        'An object, such as {{"url": "https://api.example.com/health"}}.'
        "<details><summary>Fields of each kind</summary>{}</details>",
        table(("kind", "fields"), rows),
    )


class MonitorForm(forms.ModelForm):  # type: ignore[type-arg]
    config = PrettyJSONField(initial=dict)
    new_secrets = NewSecretsField()
    tags = AdmittedJSONField(required=False, initial=list, help_text='A list of words: ["payments", "eu"].')

    parents = forms.ModelMultipleChoiceField(
        queryset=Monitor.objects.filter(deleted_at=None),
        required=False,
        # Searched: options for each monitor of a large installation would be a megabyte.
        widget=AutocompleteSelectMultiple(Dependency._meta.get_field("parent"), site),
        label="Depends on",
        help_text="Alerts for this monitor are held while any of these is failing.",
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
            others = Monitor.objects.filter(team=self.instance.team, deleted_at=None).exclude(pk=self.instance.pk)
            self.fields["parents"].queryset = others  # type: ignore[attr-defined]
        else:
            self.initial.setdefault("regions", changes.default_regions())
        # Regions do not check a derived kind: it has no configuration.
        derived = self.instance.kind in DerivedKind
        self.fields["config"].required = not derived
        kinds = [self.instance.kind] if derived else ["", *config_fields()]
        self.fields["kind"].widget = forms.Select(choices=[(kind, kind or "-") for kind in kinds])
        if not derived:
            self.fields["config"].help_text = _fields_of_every_kind()

    def clean_config(self) -> Any:
        return self.cleaned_data["config"] or {}

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
            validate_monitor(self.instance)
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


def _presets() -> list[tuple[str, str]]:
    # Imported late: most processes never show this page, and the catalogue loads slowly.
    from probes.presets import CATALOGUE

    listed = [(preset.name, f"{preset.title} ({preset.name}): {preset.says}") for preset in CATALOGUE.values()]
    return [("", "none: by hand, below"), *listed]


class NewMonitorForm(MonitorForm):
    """A new monitor: from a preset and a key, an address or a model, or by hand."""

    preset = forms.ChoiceField(
        choices=_presets,
        required=False,
        help_text="Sets name, kind, config, secrets, interval and timeout. Fields below override it.",
    )
    key = forms.CharField(
        required=False,
        max_length=MAX_SECRET_LENGTH,
        strip=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text="If the preset needs one. Encrypted, and never shown again.",
    )
    address = forms.CharField(
        required=False, max_length=500, help_text="Address of your own server: http://gpu.internal:8000."
    )
    model = forms.CharField(required=False, max_length=200, help_text="A model that must exist.")
    region = forms.CharField(
        required=False, max_length=40, label="Provider's region", help_text="If the preset has one: us-east-1."
    )
    resource = forms.CharField(required=False, max_length=200, help_text="The name of an index or collection.")
    billing_acknowledged = forms.BooleanField(required=False, help_text="Required by presets whose checks cost money.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in (*_MADE, *_RECOMMENDED):
            self.fields[name].required = False
        self.advice: tuple[str, ...] = ()

    def clean_kind(self) -> str:
        return super().clean_kind() if self.cleaned_data.get("kind") else ""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("preset"):
            for name in (*_MADE, *_RECOMMENDED):
                if cleaned.get(name) in (None, "") and name not in self.errors:
                    self.add_error(name, "Required without a preset.")
            return cleaned
        try:
            cleaned.update(self._made(cleaned))
        except ValidationError as refused:
            for field, problems in refused.message_dict.items():
                self.add_error({"secrets": "new_secrets"}.get(field, field), problems)
        return cleaned

    def _made(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Fields from the preset; recommendations give way to form values."""
        written = {name: cleaned[name] for name in _RECOMMENDED if name in self.changed_data and cleaned.get(name)}
        own = {name: cleaned.get(name) for name in _MADE} | {"secrets": cleaned.get("new_secrets")}
        given = {name: cleaned[name] for name in GIVEN if cleaned.get(name)}
        made, self.advice = fields_from_preset(cleaned["preset"], given, {**written, **own})
        secrets = made.pop("secrets")
        return {**made, "new_secrets": Secrets(secrets)}
