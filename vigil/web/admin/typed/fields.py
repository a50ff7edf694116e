"""Fields of the pages' forms as fields of Django, and lists of words and regions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from vigil.monitors.models import Region
from vigil.web.parts.fields import FormField

#: Regions that a form lists, each with a box.
REGIONS_SHOWN = 200
_WORDS_MOST = 10_000


class UnshownText(forms.Textarea):
    """A write-only text, not even shown again after a form error."""

    def format_value(self, value: Any) -> str | None:
        return None


class CommaWordsField(forms.CharField):
    """A list of words between commas."""

    def __init__(self, help_text: str = "", **options: Any) -> None:
        given = f"Words between commas. {help_text}".strip()
        super().__init__(**{"required": False, "max_length": _WORDS_MOST, "help_text": given, **options})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        text: str = super().clean(value)
        return [word.strip() for word in text.split(",") if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class RegionNamesField(forms.MultipleChoiceField):
    """Names of regions, with a box each."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=region_choices, required=False, **options)


def region_choices() -> list[tuple[str, str]]:
    """Regions by name, as they are shown beside their boxes."""
    rows = Region.objects.order_by("slug").values_list("slug", "name")[:REGIONS_SHOWN]
    return [(slug, f"{name} ({slug})" if name not in ("", slug) else slug) for slug, name in rows]


def form_field(one: FormField) -> forms.Field:
    """A field of Django that looks as the pages' field does. What its text means is read by the pages' readers."""
    shown: dict[str, Any] = {
        "label": f"{one.label} ({one.unit})" if one.unit else one.label,
        "help_text": one.hint,
        "initial": one.value,
        "required": one.required and one.kind != "checkbox",
    }
    is_secret = one.kind in ("password", "stored") or one.name.startswith("secret.")
    if one.kind == "checkbox":
        return forms.BooleanField(**{**shown, "initial": bool(one.value)})
    if is_secret:
        kept = "It is set; empty keeps it." if one.kind == "stored" else ""
        shown |= {"help_text": f"{one.hint} {kept}".strip(), "initial": ""}
    return forms.CharField(**shown, strip=False, widget=_widget(one, is_secret))


def form_fields(fields: Iterable[FormField]) -> dict[str, forms.Field]:
    """The same for several, by their names."""
    return {one.name: form_field(one) for one in fields}


def _widget(one: FormField, is_secret: bool) -> forms.Widget:
    lines = {"rows": 4, "cols": 80, "spellcheck": "false"}
    if is_secret and one.kind == "textarea":
        return UnshownText(attrs={**lines, "autocomplete": "off"})
    if is_secret:
        return forms.PasswordInput(render_value=False, attrs={"autocomplete": "off", "class": "vTextField"})
    if one.kind == "textarea":
        return forms.Textarea(attrs=lines)
    if one.kind == "select":
        return forms.Select(choices=one.options)
    if one.kind == "number":
        return forms.NumberInput(attrs={"step": "any"})
    return AdminTextInputWidget()
