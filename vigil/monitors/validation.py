"""Validation of a monitor: its own fields without the database, then its name within the team."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection

from probes.wire import CANARY_KIND
from vigil.monitors.costs import canary_problem, refusal_estimate
from vigil.monitors.models import NAME_TAKEN, DerivedKind, Monitor
from vigil.problems.rows import below, duplicate
from vigil.visible_text import is_visible_line

MAX_TAGS, MAX_TAG_LENGTH = 20, 50
MAX_SECRETS, MAX_SECRET_LENGTH = 20, 8192
#: What `clean_fields` cannot judge, or would ask the database for.
_NOT_CLEANED = frozenset({"config", "secrets", "tags", "team", "public_id"})

# Used: monitor_name_in_team.
_NAMED = """
SELECT 1 FROM monitors_monitor WHERE team_id = %s AND name = %s AND deleted_at IS NULL AND id IS DISTINCT FROM %s
"""

Problems = dict[str, list[Any]]


def validate_monitor(monitor: Monitor, unchanged: Collection[str] = ()) -> None:
    """Validate a monitor, with its name within the team; raises `ValidationError` keyed by field."""
    problems = problems_of(monitor, unchanged)
    if "name" not in problems and name_is_taken(monitor):
        problems["name"] = [duplicate(NAME_TAKEN)]
    if problems:
        raise ValidationError(problems)


def name_is_taken(monitor: Monitor) -> bool:
    """Whether another living monitor of the team has its name. The constraint decides when two write at once."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [monitor.team_id, monitor.name, monitor.pk])
        return cursor.fetchone() is not None


def problems_of(monitor: Monitor, unchanged: Collection[str] = ()) -> Problems:
    """Problems of its fields by name, but for those that are `unchanged`; asks no database.

    The check constraints are held by the validators of the fields and by the rule of the timeout below, so that the
    database is not asked to compare constants.
    """
    problems: Problems = {}
    try:
        monitor.clean_fields(exclude=_NOT_CLEANED.union(unchanged))
    except ValidationError as refused:
        problems.update(refused.error_dict)
    if monitor.timeout_ms and monitor.interval_s and monitor.timeout_ms > monitor.interval_s * 1000:
        problems["timeout_ms"] = [f"Must be at most the interval, {monitor.interval_s * 1000} ms."]
    for field, problem in (
        ("tags", tags_problem(monitor.tags)),
        ("secrets", _secrets_problem(monitor.secrets)),
    ):
        if problem:
            problems[field] = [problem]
    problems.update(_config_problem(monitor, {} if "secrets" in problems else monitor.secrets))
    least_s = least_interval_s(monitor.kind)
    if monitor.interval_s and monitor.interval_s < least_s and "interval_s" not in problems:
        problems["interval_s"] = [
            f"A {monitor.kind} is checked every {least_s} s at most: {_why_seldom(monitor.kind)}."
        ]
    return problems


def _why_seldom(kind: str) -> str:
    return "every answer costs money" if kind == CANARY_KIND else "its servers count requests"


def least_interval_s(kind: str) -> int:
    """The shortest interval of a kind whose servers count requests; 0 for any other."""
    from probes.probers import PROBERS

    return PROBERS[kind].least_interval_s if kind in PROBERS else 0


def _config_problem(monitor: Monitor, secrets: Mapping[str, str]) -> Problems:
    kind, config = monitor.kind, monitor.config
    if kind in DerivedKind:
        return {"config": ["Regions do not check this kind: it has no config."]} if config else {}
    # Imported late: most processes never write a monitor, and the probers load slowly.
    from probes.prober import SpecCode
    from probes.probers import SpecError, parse_spec, validate_secrets

    if not isinstance(config, Mapping):
        return {"config": ["Must be an object."]}
    if _is_not_storable(config):
        return {"config": ["Contains a zero byte or NaN, which cannot be stored."]}
    try:
        spec = parse_spec(kind, config)
    except SpecError as refused:
        field = "kind" if refused.field == "kind" else "config"
        estimate = refusal_estimate(config, monitor.interval_s or 0) if "billed completion" in refused.problem else ""
        path = refused.field if refused.field != field else ""
        return {field: [below(path, refused.problem + estimate, refused.code.value)]}
    money = canary_problem(spec, monitor.interval_s or 0) if kind == CANARY_KIND else None
    if money is not None:
        return {"config": [below(money[0], money[1], SpecCode.REQUIRED.value)]}
    try:
        validate_secrets(kind, secrets)
    except SpecError as refused:
        return {"secrets": [refused.problem]}
    return {}


def _is_not_storable(config: Any) -> bool:
    """Whether PostgreSQL would refuse it: its JSON has neither NUL nor NaN."""
    try:
        return "\\u0000" in json.dumps(config, allow_nan=False).replace("\\\\", "")
    except (ValueError, TypeError, RecursionError):
        return True


def tags_problem(tags: Any) -> str:
    """What is wrong with tags, in words; empty for nothing."""
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        return "Must be a list of words."
    if not all(map(is_visible_line, tags)):
        return "Words without line breaks, control characters or characters that reorder text."
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        return f"At most {MAX_TAGS} tags of {MAX_TAG_LENGTH} characters."
    return ""


def _secrets_problem(secrets: Mapping[str, str]) -> str:
    if len(secrets) > MAX_SECRETS:
        return f"At most {MAX_SECRETS} secrets."
    pairs = [(name, value) for name, value in secrets.items() if isinstance(name, str) and isinstance(value, str)]
    if len(pairs) < len(secrets) or any(not value or len(value) > MAX_SECRET_LENGTH for _, value in pairs):
        return f"Must be names with values of 1 to {MAX_SECRET_LENGTH} characters."
    return ""
