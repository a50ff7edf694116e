"""Monitor form: typed fields of a kind with those that every monitor has, and what a sent one means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.http import QueryDict

from probes.probers import PROBERS
from vigil.accounts.models import Team
from vigil.monitors.models import Monitor
from vigil.web.forms import assertion_rows, secret_fields
from vigil.web.forms.assertion_rows import AssertionRow
from vigil.web.forms.controls import Control, SettingControl, controls_of
from vigil.web.forms.settings_form import read_settings, setting_fields, texts_of
from vigil.web.forms.watching_fields import (
    Watching,
    name_field,
    read_watching,
    watching_fields,
    watching_texts,
)
from vigil.web.forms.words import FIRST
from vigil.web.parts.fields import FormField

CONFIG = "config."
_ROWS = "assertions"


@dataclass(frozen=True, slots=True)
class MonitorFields:
    """The form: what stands first, what is behind More, rows of assertions, secrets, and how it is watched."""

    first: list[FormField]
    more: list[FormField]
    rows: list[AssertionRow]
    types: list[tuple[str, str]]
    secrets: list[FormField]
    watching: list[FormField]
    #: Whether something behind More or further down is wrong.
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def opens_more(self) -> bool:
        return any(one.errors for one in self.more)

    @property
    def opens_secrets(self) -> bool:
        return any(one.errors for one in self.secrets)


@dataclass(frozen=True, slots=True)
class SentMonitor:
    """Fields of the write path that a form means, and the parents."""

    wanted: dict[str, Any]
    parents: list[Monitor]


def monitor_fields(
    kind: str, monitor: Monitor | None, sent: QueryDict | None = None, errors: Mapping[str, list[str]] | None = None
) -> MonitorFields:
    """Fields for a kind, as stored, or as sent."""
    errors = errors or {}
    spec, stored = PROBERS[kind].spec, dict(monitor.config) if monitor else {}
    shown = setting_fields(spec, CONFIG, stored, texts_of(sent) if sent is not None else None, errors)
    texts = (
        watching_texts(monitor, kind)
        if sent is None
        else {**texts_of(sent), "regions": "\n".join(sent.getlist("regions"))}
    )
    rows_of = _rows_of(spec)
    rows: list[AssertionRow] = []
    if rows_of is not None:
        rows = (
            assertion_rows.stored_rows(rows_of, stored.get(_ROWS, []))
            if sent is None
            else assertion_rows.sent_rows(rows_of, texts_of(sent), errors)
        )
    names = frozenset(monitor.secrets) if monitor else frozenset()
    first = [shown[name] for name in FIRST.get(kind, ()) if name in shown]
    return MonitorFields(
        first=[name_field(texts, errors), *first],
        more=[one for name, one in shown.items() if name not in FIRST.get(kind, ())],
        rows=rows,
        types=assertion_rows.assertion_types(rows_of) if rows_of else [],
        secrets=secret_fields.secret_fields(kind, names, errors),
        watching=watching_fields(texts, errors, kind),
        errors=errors,
    )


def read_monitor(team: Team, kind: str, monitor: Monitor | None, sent: QueryDict) -> SentMonitor:
    """What a sent form means. Raises `ValidationError` by the names of its fields."""
    spec, stored, texts = PROBERS[kind].spec, dict(monitor.config) if monitor else {}, texts_of(sent)
    read = read_settings(spec, CONFIG, texts, stored)
    rows_of = _rows_of(spec)
    if rows_of is not None:
        rows = assertion_rows.read_rows(rows_of, texts, stored.get(_ROWS, []))
        read.errors |= rows.errors
        if rows.values or _ROWS in stored:
            read.settings[_ROWS] = rows.values
    try:
        watching = read_watching(team, texts, sent.getlist("regions"), watching_texts(monitor, kind))
    except ValidationError as refused:
        read.errors |= refused.message_dict
        watching = Watching({}, [])
    if read.errors:
        raise ValidationError(read.errors)
    wanted = {**watching.wanted, "kind": kind, "config": read.settings}
    secrets = secret_fields.read_secrets(kind, texts, monitor.secrets if monitor else {})
    if secrets is not None:
        wanted["secrets"] = secrets
    return SentMonitor(wanted, watching.parents)


def _rows_of(spec: type[msgspec.Struct]) -> SettingControl | None:
    return next((one for one in controls_of(spec) if one.control is Control.ROWS), None)
