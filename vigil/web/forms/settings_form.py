"""Settings of one struct as form fields, and the settings that a sent form means.

What a person did not touch stays as it is stored, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.http import QueryDict

from vigil.web.forms.controls import Control, SettingControl, controls_of
from vigil.web.forms.values import UnreadableValue, as_text, read_text
from vigil.web.forms.words import words_of
from vigil.web.parts.fields import FormField

Settings = dict[str, Any]
#: Texts of a sent form by the names of its fields; a box that is not ticked is missing.
Sent = Mapping[str, str]

_INPUTS = {
    Control.TEXT: "text",
    Control.WHOLE: "number",
    Control.DECIMAL: "number",
    Control.SCALAR: "text",
    Control.LINES: "textarea",
    Control.PAIRS: "textarea",
}


@dataclass(slots=True)
class ReadSettings:
    """Settings that a form means, and what is wrong with it by the names of its fields."""

    settings: Settings = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)


def texts_of(form: QueryDict) -> dict[str, str]:
    """The texts of a sent form; of several values of one name the last."""
    return {name: str(form.get(name, "")) for name in form}


def setting_fields(
    struct: type[msgspec.Struct], prefix: str, stored: Settings, sent: Sent | None, errors: Mapping[str, list[str]]
) -> dict[str, FormField]:
    """Fields of a struct by the names of its settings; as sent where a form was sent. Lists of structs are left out."""
    fields: dict[str, FormField] = {}
    for setting in controls_of(struct):
        if setting.control is Control.ROWS:
            continue
        name = f"{prefix}{setting.name}"
        text = _stored_text(setting, stored) if sent is None else sent.get(name, "")
        fields[setting.name] = _field(setting, name, text, errors.get(name, ()))
    return fields


def read_settings(struct: type[msgspec.Struct], prefix: str, sent: Sent, stored: Settings) -> ReadSettings:
    """The settings that a sent form means. What was left out as usual stays out, unless it is stored."""
    found = ReadSettings()
    for setting in controls_of(struct):
        name = f"{prefix}{setting.name}"
        if setting.control is Control.ROWS:
            continue
        text = sent.get(name, "").replace("\r\n", "\n")
        if text == _stored_text(setting, stored).replace("\r\n", "\n") and (text or setting.name in stored):
            if setting.name in stored:
                found.settings[setting.name] = stored[setting.name]
            continue
        try:
            value = read_text(setting, text)
        except UnreadableValue as problem:
            found.errors[name] = [str(problem)]
            continue
        if value is not msgspec.UNSET and (value != setting.default or setting.name in stored):
            found.settings[setting.name] = value
    return found


def _stored_text(setting: SettingControl, stored: Settings) -> str:
    return as_text(setting, stored.get(setting.name, setting.default))


def _field(setting: SettingControl, name: str, text: str, errors: Iterable[str]) -> FormField:
    words = words_of(setting.name, setting.words)
    return FormField(
        name=name,
        label=words.label,
        value=text,
        kind=_INPUTS.get(setting.control, setting.control.value),
        hint=words.hint,
        errors=list(errors),
        options=[(one, one or "as usual") for one in setting.choices],
        required=setting.required,
        unit=words.unit,
    )
