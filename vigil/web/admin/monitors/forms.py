"""Monitor forms of the admin: typed by kind, validated by the write path; secrets are write-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.sites import site
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.http import QueryDict

from vigil.accounts.models import Team
from vigil.accounts.sealed import Secrets
from vigil.monitors import changes
from vigil.monitors.dependencies import check_parents, parents_of
from vigil.monitors.models import Dependency, Monitor
from vigil.monitors.presets import GIVEN, fields_from_preset
from vigil.monitors.validation import MAX_SECRET_LENGTH, validate_monitor
from vigil.web.admin.monitors.settings import TypedFields, as_drawn, fields_by_error, read_typed
from vigil.web.admin.typed.fields import CommaWordsField
from vigil.web.forms.assertion_rows import ADD
from vigil.web.forms.canary_price import SHOWN, PriceNotShown, require_shown_price
from vigil.web.forms.errors import errors_by_field

_RECOMMENDED = ("name", "interval_s", "timeout_ms")
#: Settings of every monitor, and of those alone that regions check.
OF_ALL = ("team", "name", "tags", "priority", "parents")
OF_CHECKED = ("interval_s", "timeout_ms", "sensitivity", "headroom_warning_minutes", "regions", "paused")


class WatchedForm(forms.ModelForm):  # type: ignore[type-arg]
    """What every monitor has, also a heartbeat and a composite: their own settings are on their own pages."""

    #: Fields of the form by the names that the write path has for them.
    named: ClassVar[Mapping[str, str]] = {}

    tags = CommaWordsField()
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
        fields: ClassVar[tuple[str, ...]] = OF_ALL

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "priority" in self.fields:
            self.fields["priority"].required = False
        if self.instance.pk:
            self.initial["parents"] = parents_of(self.instance)
            others = Monitor.objects.filter(team=self.instance.team, deleted_at=None).exclude(pk=self.instance.pk)
            if "parents" in self.fields:
                self.fields["parents"].queryset = others  # type: ignore[attr-defined]

    def clean_priority(self) -> str:
        return str(self.cleaned_data.get("priority") or self.instance.priority)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            self._refused(self._check)

    def _check(self) -> None:
        validate_monitor(self.instance)
        check_parents(self.instance, self.cleaned_data["parents"])

    def _refused(self, check: Callable[[], None]) -> None:
        try:
            check()
        except ValidationError as refused:
            for name, texts in fields_by_error(errors_by_field(refused, self.named), self.fields).items():
                self.add_error(name, texts)

    def wanted(self) -> dict[str, Any]:
        """Fields to pass to the write path."""
        return {name: value for name, value in self.cleaned_data.items() if name in changes.SETTABLE}


class CheckedForm(WatchedForm):
    """A monitor of one kind that regions check; made with its fields by `typed_form`."""

    kind: ClassVar[str] = ""
    typed: ClassVar[TypedFields]
    #: The price that the form has shown.
    price_shown = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta(WatchedForm.Meta):
        fields = (*OF_ALL, *OF_CHECKED)

    def __init__(self, data: QueryDict | None = None, *args: Any, **options: Any) -> None:
        self.sent = data
        super().__init__(as_drawn(data, self.typed) if data is not None else None, *args, **options)
        if not self.instance.pk:
            self.initial.setdefault("regions", changes.default_regions())

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.sent is not None and self.sent.get(ADD):
            self.add_error(ADD, "Fill in the fields of the new assertion above, and save.")
        return cleaned

    def _check(self) -> None:
        if self.sent is None:
            return
        stored = Monitor.objects.get(pk=self.instance.pk) if self.instance.pk else None
        read = read_typed(self.kind, stored, self.sent)
        if read.errors:
            raise ValidationError(read.errors)
        self.instance.kind, self.instance.config = self.kind, read.config
        if read.secrets is not None:
            self.instance.secrets = Secrets(read.secrets)
        self.settings = {"kind": self.kind, "config": read.config}
        self.settings |= {} if read.secrets is None else {"secrets": Secrets(read.secrets)}
        if stored is not None:
            changes.check_destination(stored, self.wanted())
        super()._check()
        self._show_price(stored)

    def _show_price(self, stored: Monitor | None) -> None:
        team: Team = self.cleaned_data.get("team") or self.instance.team
        assert self.sent is not None
        try:
            require_shown_price(team, self.wanted(), self.sent, stored)
        except PriceNotShown as unseen:
            drawn: Any = self.data
            # A copy of the form as it was drawn: it is this form's alone.
            drawn[SHOWN] = unseen.price
            raise ValidationError(f"{unseen.price} Save again to accept that.") from None

    def wanted(self) -> dict[str, Any]:
        return {**super().wanted(), **getattr(self, "settings", {})}


def typed_form(kind: str, typed: TypedFields) -> type[CheckedForm]:
    """The form of a kind, with a field for each of its settings."""
    made: type[CheckedForm] = type("CheckedForm", (CheckedForm,), {"kind": kind, "typed": typed, **typed.fields})
    return made


def _presets() -> list[tuple[str, str]]:
    # Imported late: most processes never show this page, and the catalogue loads slowly.
    from probes.presets import CATALOGUE

    return [(preset.name, f"{preset.title} ({preset.name}): {preset.says}") for preset in CATALOGUE.values()]


class PresetForm(WatchedForm):
    """A new monitor from a preset and a key, an address or a model."""

    preset = forms.ChoiceField(choices=_presets, help_text="Sets kind, settings and secrets.")
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

    named: ClassVar[Mapping[str, str]] = {"secrets": "key"}

    class Meta(WatchedForm.Meta):
        fields = (*OF_ALL, *OF_CHECKED)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("regions", changes.default_regions())
        for name in _RECOMMENDED:
            self.fields[name].required = False
            self.fields[name].help_text = "Empty: as the preset recommends."
            self.initial.pop(name, None)
            self.fields[name].initial = None
        self.advice: tuple[str, ...] = ()
        self.settings: dict[str, Any] = {}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if "preset" in cleaned:
            self._refused(self._make)
        return cleaned

    def _make(self) -> None:
        """Fields from the preset; recommendations give way to form values."""
        cleaned = self.cleaned_data
        written = {name: cleaned[name] for name in _RECOMMENDED if cleaned.get(name)}
        written |= {"tags": cleaned["tags"]} if cleaned.get("tags") else {}
        given = {name: cleaned[name] for name in GIVEN if cleaned.get(name)}
        made, self.advice = fields_from_preset(cleaned["preset"], given, written)
        self.settings = {**made, "secrets": Secrets(made["secrets"])}
        cleaned.update({name: made[name] for name in (*_RECOMMENDED, "tags")})
        for name in ("kind", "config", "secrets"):
            setattr(self.instance, name, self.settings[name])

    def wanted(self) -> dict[str, Any]:
        return {**super().wanted(), **self.settings}
