"""Run budgets: limits on items, tokens, cost, duration and logs of a job run. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from vigil.heartbeats.core.pings.body import Facts
from vigil.heartbeats.core.schedule import length_in_words


@dataclass(frozen=True, slots=True)
class RunBudget:
    """Limits of one run; None for no limit. `max_logs`: more log pings mean a loop."""

    min_items: float | None = None
    max_tokens: float | None = None
    max_cost: float | None = None
    max_duration_s: float | None = None
    max_logs: int | None = None


RULES = ("min_items", "max_tokens", "max_cost", "max_duration_s", "max_logs")


@dataclass(frozen=True, slots=True)
class Breach:
    """An exceeded limit: the rule, the run's value, and the limit."""

    rule: str
    value: float
    limit: float

    def in_words(self) -> str:
        value, limit = (_shown(self.rule, number) for number in (self.value, self.limit))
        return {
            "min_items": f"{value} items, at least {limit} expected",
            "max_tokens": f"{value} tokens, at most {limit} allowed",
            "max_cost": f"cost {value}, at most {limit} allowed",
            "max_duration_s": f"ran {value}, at most {limit} allowed",
            "max_logs": f"{value} log messages in one run, at most {limit} allowed: it may be looping",
        }[self.rule]


def breaches(budget: RunBudget, facts: Facts, duration: timedelta | None) -> tuple[Breach, ...]:
    """Limits that a finished run exceeded. A missing metric exceeds none."""
    length = duration.total_seconds() if duration is not None else None
    found = []
    if budget.min_items is not None and facts.items is not None and facts.items < budget.min_items:
        found.append(Breach("min_items", facts.items, budget.min_items))
    most = (
        ("max_tokens", facts.tokens, budget.max_tokens),
        ("max_cost", facts.cost, budget.max_cost),
        ("max_duration_s", length, budget.max_duration_s),
    )
    found += [
        Breach(rule, value, limit)
        for rule, value, limit in most
        if value is not None and limit is not None and value > limit
    ]
    return tuple(found)


def looping(budget: RunBudget, logs: int) -> Breach | None:
    """Loop detection: the breach of a run with this many log messages so far."""
    if budget.max_logs is None or logs <= budget.max_logs:
        return None
    return Breach("max_logs", logs, budget.max_logs)


def _shown(rule: str, number: float) -> str:
    if rule == "max_duration_s":
        return length_in_words(timedelta(seconds=number)) if number >= 1 else f"{number:.2f} s"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.4g}"
