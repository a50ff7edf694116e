"""Typed settings of a monitor's kind: their fields, and what a sent form of them means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict

from vigil.monitors.models import Monitor
from vigil.web.admin.typed.fields import form_field, form_fields
from vigil.web.forms import assertion_rows, secret_fields
from vigil.web.forms.controls import Control, SettingControl, controls_of
from vigil.web.forms.settings_form import Settings, read_settings, setting_fields, texts_of
from vigil.web.forms.words import FIRST
from vigil.web.parts.fields import FormField

CONFIG, _ROWS = "config.", "assertions"


@dataclass(slots=True)
class TypedSettings:
    """Settings that a form means, its secrets (None: the stored ones stay), and errors by field."""

    config: Settings = field(default_factory=dict)
    secrets: dict[str, str] | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TypedFields:
    """Fields by groups with their titles, and the texts that rows of a sent form have now."""

    fields: dict[str, forms.Field]
    groups: list[tuple[str, list[str], bool]]
    row_texts: dict[str, str]


def typed_fields(kind: str, monitor: Monitor | None, sent: QueryDict | None) -> TypedFields:
    """Fields for a kind as stored, or as sent; one more row where a sent form asks for one."""
    spec, stored = _spec(kind), dict(monitor.config) if monitor else {}
    texts = texts_of(sent) if sent is not None else None
    shown = setting_fields(spec, CONFIG, stored, texts, {})
    first = [shown[name] for name in FIRST.get(kind, tuple(shown)) if name in shown]
    more = [one for one in shown.values() if one not in first]
    found = form_fields(shown.values())
    row_texts: dict[str, str] = {}
    groups = [("Settings", [one.name for one in first], False), ("More settings", [one.name for one in more], True)]
    rows = _rows_of(kind)
    if rows is not None:
        stored_rows = stored.get(_ROWS, [])
        drawn = (
            assertion_rows.stored_rows(rows, stored_rows)
            if texts is None
            else assertion_rows.sent_rows(rows, texts, {})
        )
        for row in drawn:
            fields = [*row.fields, *row.more]
            marks = _marks(row)
            found |= form_fields(fields) | marks
            row_texts |= {one.name: one.value for one in fields if one.value} | {next(iter(marks)): row.kind}
            groups.append((f"Assertion {row.number + 1}: {row.title}", [*marks, *(one.name for one in fields)], False))
        found[assertion_rows.ADD] = _one_more(rows)
        groups.append(("Another assertion", [assertion_rows.ADD], False))
    secrets = secret_fields.secret_fields(kind, frozenset(monitor.secrets) if monitor else frozenset(), {})
    found |= form_fields(secrets)
    groups.append(("Secrets", [one.name for one in secrets], False))
    return TypedFields(found, [group for group in groups if group[1]], row_texts)


def read_typed(kind: str, monitor: Monitor | None, sent: QueryDict) -> TypedSettings:
    """What a sent form means; what was not touched stays as it is stored, to the letter."""
    texts, stored = texts_of(sent), dict(monitor.config) if monitor else {}
    read = read_settings(_spec(kind), CONFIG, texts, stored)
    rows = _rows_of(kind)
    if rows is not None:
        given = assertion_rows.read_rows(rows, texts, stored.get(_ROWS, []))
        read.errors |= given.errors
        if given.values or _ROWS in stored:
            read.settings[_ROWS] = given.values
    secrets = secret_fields.read_secrets(kind, texts, monitor.secrets if monitor else {})
    return TypedSettings(read.settings, secrets, read.errors)


def as_drawn(sent: QueryDict, typed: TypedFields) -> QueryDict:
    """A sent form with its rows numbered anew, as they are shown again."""
    drawn = sent.copy()
    for name in [name for name in drawn if name.startswith(assertion_rows.PREFIX)]:
        del drawn[name]
    drawn.update(typed.row_texts)
    return drawn


def _marks(row: assertion_rows.AssertionRow) -> dict[str, forms.Field]:
    prefix = f"{assertion_rows.PREFIX}{row.number}."
    kind = forms.CharField(initial=row.kind, widget=forms.HiddenInput, required=False)
    return {
        f"{prefix}type": kind,
        f"{prefix}{assertion_rows.REMOVE}": form_field(FormField("", "Remove this assertion", kind="checkbox")),
    }


def _one_more(rows: SettingControl) -> forms.Field:
    options = [("", "none"), *assertion_rows.assertion_types(rows)]
    hint = "Choose one and save: its fields appear."
    return form_field(FormField(assertion_rows.ADD, "Add an assertion", kind="select", options=options, hint=hint))


def _rows_of(kind: str) -> SettingControl | None:
    return next((one for one in controls_of(_spec(kind)) if one.control is Control.ROWS), None)


def _spec(kind: str) -> Any:
    # Imported late: most processes never show this page, and the probers load slowly.
    from probes.probers import PROBERS

    return PROBERS[kind].spec


def fields_by_error(errors: Mapping[str, list[str]], known: Mapping[str, Any]) -> dict[str | None, list[str]]:
    """Errors by the fields that a form has; of others with their name, for the form as a whole."""
    found: dict[str | None, list[str]] = {}
    for name, texts in errors.items():
        if name in known:
            found.setdefault(name, []).extend(texts)
        else:
            said = texts if name == "__all__" else [f"{name.removeprefix(CONFIG)}: {text}" for text in texts]
            found.setdefault(None, []).extend(said)
    return found
