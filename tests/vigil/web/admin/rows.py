"""Rows of any model for tests of lists: each with relatives of its own, so that a query per row shows."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import models

from vigil.accounts.sealed import SealedJSONField, SealedTextField, Secrets

NOW = datetime(2030, 1, 1, tzinfo=UTC)
#: In every column that no page may show.
HIDDEN = "obviously-fake-and-hidden"
#: Columns that hold a hash or a secret in clear.
SECRET_COLUMNS = frozenset({"sha256", "fingerprint", "host_fingerprint", "access"})
_numbers = itertools.count(1)
#: What rules of a table ask for, by its label: values, or None to leave a column as it is by default.
RULES: Mapping[str, Mapping[str, Any]] = {
    "monitors.Monitor": {"kind": "http", "config": {"url": "https://x.test/"}, "deleted_at": None, "paused_why": ""},
    "monitors.Region": {"domain": "a", "public_key": None},
    "monitors.MonitorChange": {"fields": ["name"]},
    "access.RegionAccess": {"access": "works"},
    "alerts.Channel": {"kind": "webhook", "config": {"url": "https://x.test/"}},
    "alerts.Delivery": {"notice": None, "leader": None, "thread": None, "lease_token": None},
    "alerts.RotationOverride": {"ends_at": datetime(2030, 1, 2, tzinfo=UTC)},
    "alerts.Route": {"starts": None, "ends": None},
    "accounts.ApiToken": {"successor": None},
    "heartbeats.Heartbeat": {"run_limit_s": None},
    "history.Objective": {"tag": "", "incident": None},
    "incidents.Incident": {"part_of": None, "kind": "outage", "cause_key": ""},
    "silences.Silence": {"valid_until": None, "cron": "", "regions": []},
    "status.PageComponent": {"tag": "", "provider": ""},
    "status.StatusPage": {"visibility": "public", "domain": None, "access": HIDDEN},
    "status.ScheduledMaintenance": {"ends_at": datetime(2030, 1, 2, tzinfo=UTC)},
    "status.PublicUpdate": {"publish_at": None},
    "tool_watch.ToolList": {"fingerprint": "f"},
}


def make_rows(model: type[models.Model], count: int) -> list[Any]:
    """That many rows with relatives, each table in one insert; required and optional columns alike are set."""
    rules = RULES.get(model._meta.label, {})
    columns = {field.name: _column(field, count, rules) for field in model._meta.concrete_fields}
    rows = [model(**{name: values[at] for name, values in columns.items() if values}) for at in range(count)]
    made: list[Any] = model._default_manager.bulk_create(rows)
    return made


def _column(field: Any, count: int, rules: Mapping[str, Any]) -> list[Any]:
    """Values of a column; empty to leave it to the default."""
    if field.name in rules:
        value = rules[field.name]
        return [] if value is None else [value] * count
    if field.remote_field is not None:
        related = field.remote_field.model
        return [] if related is field.model else make_rows(related, count)
    if field.auto_created or (field.has_default() and not _is_shown(field)):
        return []
    return [_value(field, next(_numbers)) for _ in range(count)]


def _is_shown(field: Any) -> bool:
    return isinstance(field, SealedJSONField | SealedTextField) or field.name in SECRET_COLUMNS


def _value(field: Any, number: int) -> Any:
    if isinstance(field, SealedJSONField):
        return Secrets({"bearer": HIDDEN, "address": HIDDEN})
    if field.name in SECRET_COLUMNS or isinstance(field, SealedTextField):
        text: str = f"{HIDDEN}{number}"
        return text.encode() if isinstance(field, models.BinaryField) else text
    if field.choices:
        return field.flatchoices[0][0]
    for kind, value in _VALUES.items():
        if isinstance(field, kind):
            return value(number)
    return f"n{number}"[: field.max_length]


_VALUES: Mapping[Any, Callable[[int], Any]] = {
    models.DateTimeField: lambda number: NOW,
    models.DateField: lambda number: date(2030, 1, 1),
    models.TimeField: lambda number: time(9),
    models.UUIDField: lambda number: uuid.UUID(int=number),
    models.BooleanField: lambda number: False,
    models.SmallIntegerField: lambda number: number % 100,
    models.PositiveSmallIntegerField: lambda number: number % 100,
    models.IntegerField: lambda number: number,
    models.FloatField: float,
    models.BinaryField: lambda number: b"%d" % number,
    models.JSONField: lambda number: [],
    models.GenericIPAddressField: lambda number: "192.0.2.1",
}
