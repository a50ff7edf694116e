"""New monitor form of the admin: from a preset and a key, an address or a model, or by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vigil.accounts.sealed import Secrets
from vigil.monitors.changes import MAX_SECRET_LENGTH
from vigil.monitors.presets import GIVEN, fields_from_preset
from vigil.web.admin.monitor_form import MonitorForm

#: Fields that a preset sets, besides those it recommends.
_MADE = ("kind", "config")
_RECOMMENDED = ("name", "interval_s", "timeout_ms")


def _presets() -> list[tuple[str, str]]:
    # Imported late: most processes never show this page, and the catalogue loads slowly.
    from probes.presets import CATALOGUE

    listed = [(preset.name, f"{preset.title} ({preset.name}): {preset.says}") for preset in CATALOGUE.values()]
    return [("", "none: by hand, below"), *listed]


class NewMonitorForm(MonitorForm):
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
