"""What a run may cost and must yield: rules with numbers, and which of them a run broke. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from vigil.heartbeats.core.body import Facts
from vigil.heartbeats.core.schedule import length_in_words


@dataclass(frozen=True, slots=True)
class RunBudget:
    """Limits of one run; None where there is none. `max_logs` is how many log pings a run may send: more is a loop."""

    min_items: float | None = None
    max_tokens: float | None = None
    max_cost: float | None = None
    max_duration_s: float | None = None
    max_logs: int | None = None


#: The names of the rules, as they are stored and set.
RULES = ("min_items", "max_tokens", "max_cost", "max_duration_s", "max_logs")


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a run broke: which, what the run had, and what is allowed."""

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
    """The rules that a finished run broke. What the run did not tell breaks no rule."""
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
    """The breach of a run that has sent this many log messages so far."""
    if budget.max_logs is None or logs <= budget.max_logs:
        return None
    return Breach("max_logs", logs, budget.max_logs)


def _shown(rule: str, number: float) -> str:
    if rule == "max_duration_s":
        return length_in_words(timedelta(seconds=number)) if number >= 1 else f"{number:.2f} s"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.4g}"
