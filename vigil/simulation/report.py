"""Simulation report: JSON for scripts, tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from vigil.simulation.judges.rivals import RIVALS
from vigil.simulation.judges.score import Score
from vigil.simulation.runs import MEASURED, RunRow

_SHOWN = 20
_COLUMNS = (
    ("false / monitor-year", "false_per_monitor_year"),
    ("missed", "missed"),
    ("refused: mean", "detect_mean_s"),
    ("p50", "detect_p50_s"),
    ("p95", "detect_p95_s"),
    ("p99", "detect_p99_s"),
    ("hanging: mean", "detect_hang_mean_s"),
    ("p95", "detect_hang_p95_s"),
    ("recovery p95", "recover_p95_s"),
)


def as_json(rows: Sequence[RunRow], took_s: float) -> dict[str, object]:
    """One object: figures in total and by kind of world, and rules of other systems on the same worlds."""
    measured = [row for row in rows if row.scenario.name in MEASURED] or list(rows)
    checks = sum(row.checks for row in rows)
    breaks = [(place, found) for row in rows for place, found in row.breaks]
    figures = _total([row.score for row in measured]).figures()
    return {
        "checks": checks,
        "checks_per_s": round(checks / took_s) if took_s else 0,
        **figures,
        "missed": sum(row.score.missed for row in rows),
        "invariant_breaks": len(breaks),
        "breaks": [
            {
                "invariant": found.invariant,
                "at_ms": round(found.at_ms),
                "subject": found.subject,
                "says": found.says,
                "replay": place.replay(),
            }
            for place, found in breaks[:_SHOWN]
        ],
        "rules": {
            name: _total([row.rules[name] for row in measured if name in row.rules]).figures()
            for name in RIVALS
            if any(name in row.rules for row in measured)
        },
        "worlds": {f"{row.scenario.name}/{row.scenario.sensitivity}": row.figures() for row in rows},
    }


def as_text(rows: Sequence[RunRow], took_s: float) -> str:
    """The same for a terminal: a table for each kind of world."""
    found = as_json(rows, took_s)
    parts = [f"{found['checks']:,} checks, {found['checks_per_s']:,} a second of one core"]
    for row in rows:
        figures = row.score.figures()
        parts += ["", f"{row.scenario.name} ({row.scenario.says}), {figures['monitor_years']} monitor-years", ""]
        lines = [["rule", *(title for title, _ in _COLUMNS)], _line(f"Vigil, {row.scenario.sensitivity}", figures)]
        lines += [_line(f"{name}: {RIVALS[name].says}", theirs.figures()) for name, theirs in row.rules.items()]
        parts += _aligned(lines)
        if row.lost_s:
            seen = row.figures()
            parts += [
                "",
                f"Most regions lost their way {seen['lost_ways']} times; recognised after {seen['lost_way_mean_s']} s "
                f"in the mean, {seen['lost_way_p95_s']} s p95.",
            ]
        if row.breaks:
            parts += ["", f"{len(row.breaks)} invariants broken:"]
            parts += [
                f"  {one.invariant} {one.subject}: {one.says}\n    {place.replay()}"
                for place, one in row.breaks[:_SHOWN]
            ]
    if not found["invariant_breaks"]:
        parts += ["", "No invariant was broken."]
    return "\n".join(parts) + "\n"


def _line(name: str, figures: dict[str, float | int | None]) -> list[str]:
    return [name, *(_cell(figures[key]) for _, key in _COLUMNS)]


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: the first column to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    return ["  ".join(cells) for cells in padded]


def _cell(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value}" if isinstance(value, int) else f"{value:.3g}"


def _total(scores: Sequence[Score]) -> Score:
    total = Score()
    for one in scores:
        total.add(one)
    return total
