"""Assertions as rows of typed fields: one fieldset each, with the fields of its type. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from vigil.web.forms.controls import SettingControl
from vigil.web.forms.settings_form import Sent, Settings, read_settings, setting_fields
from vigil.web.forms.words import ASSERTIONS
from vigil.web.parts.fields import FormField

#: Rows of a form, as many as a monitor can have.
ROWS_MOST = 20
PREFIX, ADD, REMOVE = "assertions.", "assertions.add", "remove"
#: Fields of a row that are behind More.
_LATER = frozenset({"gives", "reason"})


@dataclass(frozen=True, slots=True)
class AssertionRow:
    """One row: its number, its type, and its fields."""

    number: int
    kind: str
    title: str
    fields: list[FormField]
    more: list[FormField]


@dataclass(slots=True)
class SentRows:
    """Assertions that a form means, the rows as they are shown again, and errors by field."""

    values: list[Settings] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)


def assertion_types(setting: SettingControl) -> list[tuple[str, str]]:
    """Types that a kind takes, for the choice of one more."""
    return [(tag, ASSERTIONS.get(tag, tag)) for tag, _ in setting.rows]


def stored_rows(setting: SettingControl, stored: Sequence[Settings]) -> list[AssertionRow]:
    """Rows of what is stored."""
    types = dict(setting.rows)
    return [_row(number, types[one["type"]], str(one["type"]), one, None, {}) for number, one in enumerate(stored)]


def sent_rows(setting: SettingControl, sent: Sent, errors: Mapping[str, list[str]]) -> list[AssertionRow]:
    """Rows as a form was sent, with one more where that was asked for; removed ones are gone."""
    types = dict(setting.rows)
    rows: list[AssertionRow] = []
    for number, kind in _numbered(sent):
        if kind in types and f"{PREFIX}{number}.{REMOVE}" not in sent:
            rows.append(_row(len(rows), types[kind], kind, {}, _renumbered(sent, number, len(rows)), errors))
    added = sent.get(ADD, "")
    if added in types and len(rows) < ROWS_MOST:
        rows.append(_row(len(rows), types[added], added, {}, None, {}))
    return rows


def read_rows(setting: SettingControl, sent: Sent, stored: Sequence[Settings]) -> SentRows:
    """The assertions that a sent form means; a row that was not edited stays as it is stored, to the letter."""
    types, found = dict(setting.rows), SentRows()
    for number, kind in _numbered(sent):
        prefix = f"{PREFIX}{number}."
        if kind not in types or f"{prefix}{REMOVE}" in sent:
            continue
        before = stored[number] if number < len(stored) and stored[number].get("type") == kind else {}
        read = read_settings(types[kind], prefix, sent, dict(before))
        place = len(found.values)
        found.errors |= {f"{PREFIX}{place}.{name.removeprefix(prefix)}": why for name, why in read.errors.items()}
        found.values.append({"type": kind, **read.settings})
    return found


def _numbered(sent: Sent) -> list[tuple[int, str]]:
    kinds = ((number, sent.get(f"{PREFIX}{number}.type", "")) for number in range(ROWS_MOST))
    return [(number, kind) for number, kind in kinds if kind]


def _renumbered(sent: Sent, number: int, place: int) -> dict[str, str]:
    old, new = f"{PREFIX}{number}.", f"{PREFIX}{place}."
    return {new + name.removeprefix(old): text for name, text in sent.items() if name.startswith(old)}


def _row(
    number: int, struct: type[msgspec.Struct], kind: str, stored: Mapping[str, Any], sent: Sent | None,
    errors: Mapping[str, list[str]],
) -> AssertionRow:  # fmt: skip
    fields = setting_fields(struct, f"{PREFIX}{number}.", dict(stored), sent, errors)
    return AssertionRow(
        number,
        kind,
        ASSERTIONS.get(kind, kind),
        [one for name, one in fields.items() if name not in _LATER],
        [one for name, one in fields.items() if name in _LATER],
    )
