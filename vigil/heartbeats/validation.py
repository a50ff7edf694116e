"""Heartbeat validation: schedule, grace, keywords, budget. Raises `ValidationError` by field."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError

from probes.text import storable
from vigil.heartbeats.core.budget import RULES
from vigil.heartbeats.core.pings.address import RESERVED
from vigil.heartbeats.core.pings.body import MAX_KEYWORD_LENGTH, MAX_KEYWORDS
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.schedule import LONGEST, SHORTEST, problem_of
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.rows import schedule_of

_KEYWORD_LISTS = ("success", "fail", "start")
_OTHERWISE = (PingKind.SUCCESS, PingKind.FAIL, PingKind.IGNORED)
_MOST = 1e12


def validate(row: Heartbeat, now: datetime) -> None:
    """Validate a heartbeat's schedule and rules."""
    problems: dict[str, list[str]] = {}
    try:
        row.clean_fields(exclude=["monitor", "team", "keywords", "budget", "runs"])
    except ValidationError as refused:
        problems.update(refused.message_dict)
    if row.slug.startswith(RESERVED) and "slug" not in problems:
        problems["slug"] = [f"Slugs that begin with {RESERVED} are reserved."]
    if not {"schedule", "period_s", "expression", "time_zone"} & problems.keys():
        field, problem = problem_of(schedule_of(row), now)
        if problem:
            problems[field] = [problem]
    for field in ("grace_s", "run_limit_s"):
        seconds = getattr(row, field)
        if field not in problems and seconds is not None and not SHORTEST <= timedelta(seconds=seconds) <= LONGEST:
            problems[field] = ["Must be between 1 minute and 1 year."]
    for field, problem in (("keywords", _keywords_problem(row.keywords)), ("budget", _budget_problem(row.budget))):
        if problem:
            problems[field] = [problem]
    if problems:
        raise ValidationError(problems)  # type: ignore[arg-type]


def _keywords_problem(keywords: Any) -> str:
    if not isinstance(keywords, dict) or keywords.keys() - {*_KEYWORD_LISTS, "otherwise"}:
        return f"Must be an object with any of {', '.join(_KEYWORD_LISTS)} and otherwise."
    for name in _KEYWORD_LISTS:
        words = keywords.get(name, [])
        if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
            return f"{name} must be a list of words."
        if any(storable(word, len(word)) != word for word in words):
            return f"{name}: words of characters that can be seen."
        if len(words) > MAX_KEYWORDS or any(len(word) > MAX_KEYWORD_LENGTH for word in words):
            return f"{name}: at most {MAX_KEYWORDS} words of {MAX_KEYWORD_LENGTH} characters."
    if keywords.get("otherwise") not in (None, *_OTHERWISE):
        return f"otherwise must be one of {', '.join(_OTHERWISE)}."
    if keywords.get("otherwise") and not any(keywords.get(name) for name in _KEYWORD_LISTS):
        return "otherwise needs other words beside it."
    return ""


def _budget_problem(budget: Any) -> str:
    if not isinstance(budget, dict) or budget.keys() - set(RULES):
        return f"Must be an object with any of {', '.join(RULES)}."
    for rule, limit in budget.items():
        if limit is None:
            continue
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit <= _MOST:
            return f"{rule} must be a number of 0 or more."
        if rule == "max_logs" and limit != int(limit):
            return "max_logs must be a whole number."
    return ""
