"""Benchmark reports: figures by name, as JSON or text with budgets; progress on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from vigil.cli.errors import CommandError

NO_BUDGETS: Mapping[str, float] = MappingProxyType({})


def print_report(report: Mapping[str, object], as_json: bool, budgets: Mapping[str, float] = NO_BUDGETS) -> None:
    """Print a report, with the machine's load of the last minute: seconds of a busy machine say little."""
    report = {**report, "load_average": round(os.getloadavg()[0], 1)}
    print(json.dumps(report) if as_json else render(report, budgets))


def render(report: Mapping[str, object], budgets: Mapping[str, float] = NO_BUDGETS) -> str:
    """Text report: one line a figure, with its budget; then each table, and each series with one line a step.

    A budget is a minimum for a rate (`_per_s`), and a maximum for all else. None: not measured.
    """
    lines = []
    for name, value in report.items():
        if not isinstance(value, list | dict):
            lines.append(f"{name:<28} {'not measured' if value is None else value}{_limit(name, value, budgets)}")
    for name, value in report.items():
        if isinstance(value, dict):
            lines += ["", name, *(f"  {part:<26} {number}" for part, number in value.items())]
        elif isinstance(value, list):
            lines += ["", name, *(f"  {_step(step)}" for step in value)]
    return "\n".join(lines)


def say(what: str) -> None:
    """Write a line of progress."""
    print(what, file=sys.stderr, flush=True)


def until(reached: Callable[[], bool], problem: str, within_s: float = 60) -> None:
    """Wait for a condition; raises CommandError with the problem."""
    deadline_s = time.monotonic() + within_s
    while not reached():
        if time.monotonic() > deadline_s:
            raise CommandError(f"{problem} within {within_s:.0f} s")
        time.sleep(0.005)


def _limit(name: str, value: object, budgets: Mapping[str, float]) -> str:
    if name not in budgets or not isinstance(value, int | float):
        return ""
    budget = budgets[name]
    if name.endswith("_per_s"):
        return f"  (at least {budget:,}{'' if value >= budget else ', NOT REACHED'})"
    return f"  (at most {budget:,}{'' if value <= budget else ', EXCEEDED'})"


def _step(step: object) -> str:
    return " ".join(f"{name}={value}" for name, value in step.items()) if isinstance(step, dict) else str(step)
