"""A monitor's page as it is drawn: figures, regions with their last results, assertions, and where it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from vigil.monitors.core.clear_credentials import hidden_in_text
from vigil.monitors.core.result_facts import as_number
from vigil.monitors.models import Monitor
from vigil.read_models.core.drawn_strips import DrawnDays, quarter_strip
from vigil.read_models.core.figures import NO_VALUE, length, milliseconds, percent
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.strips import StripDay
from vigil.read_models.monitor.page import LastResult, MonitorPage, ProviderPost, ProviderStatus
from vigil.web.parts.marks import StateMark, mark
from vigil.web.parts.phases import PhaseBar, phase_bar

#: A certificate or a quota this near to its end is said in a colour.
_CERTIFICATE_LOW_DAYS, _LEFT_LOW = 14, 0.1
_ENGINE = {
    "requests_waiting": "Waiting",
    "requests_running": "Running",
    "cache_used_percent": "Cache used",
    "queue_age_s": "Oldest wait",
    "deployments_out": "In cooldown",
}
_UNITS = {"cache_used_percent": "\u202f%", "queue_age_s": "\u202fs"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its label, its value in words, and what it means; `state` colours what nears its end."""

    label: str
    value: str
    hint: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class ShownAssertion:
    """One assertion of a result: whether it held, None where that was not kept."""

    words: str
    held: bool | None


@dataclass(frozen=True, slots=True)
class ShownResult:
    """The last result of a region as a row."""

    facts: LastResult
    mark: StateMark
    took: str
    bar: PhaseBar
    said: str
    assertions: Sequence[ShownAssertion]


def figures_of(page: MonitorPage) -> list[Figure]:
    """Uptime beside reachability, with unknown time named; then what is known of certificate, quota and engine."""
    rate = f"of {page.checks:,} single checks passed" if page.checks else "no check in this time"
    found = [
        Figure("Uptime, 30 d", percent(page.uptime.ratio), "time not down"),
        Figure("Reachability", percent(page.reachability), rate),
        Figure("Unknown", length(timedelta(seconds=page.unknown_s)) if page.unknown_s else "none", "counts in neither"),
        Figure("p95", milliseconds(page.row.p95_ms), "of the last full hour"),
    ]
    if page.certificate_days is not None:
        low = page.certificate_days <= _CERTIFICATE_LOW_DAYS
        found.append(
            Figure("Certificate", f"{page.certificate_days:,.0f} d", "until it ends", "degraded" if low else "")
        )
    if page.headroom is not None and page.headroom.left is not None:
        low = page.headroom.left <= _LEFT_LOW
        left = f"of {page.headroom.counted.replace('_', ' ')} left"
        found.append(Figure("Headroom", f"{page.headroom.left * 100:.0f}\u202f%", left, "degraded" if low else ""))
    for name, label in _ENGINE.items():
        if name in page.engine:
            value = f"{page.engine[name]:,.0f}{_UNITS.get(name, '')}"
            found.append(Figure(label, value, "at least" if name == "queue_age_s" else "now, in the engine"))
    return found


def results_of(page: MonitorPage, may_write: bool) -> list[ShownResult]:
    """The last result of each region, the longest bar taking the whole width."""
    longest = max((one.phases_ms.get("total", 0.0) for one in page.results if one.phases_ms), default=0.0)
    expected = assertion_words(page.monitor.config)
    return [_result(one, longest, expected, may_write) for one in page.results]


def _result(one: LastResult, longest_ms: float, expected: Sequence[str], may_write: bool) -> ShownResult:
    phases = one.phases_ms or {}
    total = phases.get("total") or None
    detail = one.detail if may_write else hidden_in_text(one.detail)
    is_well = one.state is ShownState.UP
    return ShownResult(
        facts=one,
        mark=mark(one.state, "Silent" if one.state is ShownState.UNKNOWN and one.at is None else ""),
        took=milliseconds(total) if one.at else NO_VALUE,
        bar=phase_bar(phases, longest_ms),
        said="" if is_well or one.at is None else f"{one.reason}{f': {detail}' if detail else ''}",
        assertions=_judged(expected, one, is_well) if one.at else (),
    )


def _judged(expected: Sequence[str], one: LastResult, is_well: bool) -> list[ShownAssertion]:
    """Each assertion; of a failure only the one that decided is kept."""
    if is_well:
        return [ShownAssertion(words, True) for words in expected]
    failed = one.detail.startswith("expected ")
    return [ShownAssertion(words, False if failed and len(expected) == 1 else None) for words in expected]


def assertion_words(config: Any) -> list[str]:
    """Assertions of a configuration in words: `latency under 2 s`, `contains "ok"`."""
    stored = config.get("assertions") if isinstance(config, Mapping) else None
    return [_words(one) for one in stored if isinstance(one, Mapping)][:20] if isinstance(stored, list) else []


def _words(one: Mapping[str, Any]) -> str:
    kind = str(one.get("type", ""))
    if kind == "latency":
        least = one.get("degraded_ms") or one.get("down_ms")
        return f"latency under {milliseconds(as_number(least))}"
    if kind == "body_contains":
        return hidden_in_text(f"{'lacks' if one.get('absent') else 'contains'} \u201c{one.get('text', '')}\u201d")[:120]
    parts = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in one.items()
        if name not in ("type", "gives", "reason") and value not in ("", None, False, 0)
    ]
    words = kind.replace("_", " ")
    return hidden_in_text(f"{words}: {', '.join(parts)}" if parts else words)[:120]


def drawn_days(monitor: Monitor, days: Sequence[StripDay], runs: str) -> DrawnDays:
    """The strip of ninety days, each with its words; it says since when it is watched."""
    created = monitor.created_at
    begins = f"{days[0].start.day} {days[0].start:%b}"
    if created > days[0].start:
        begins = f"Watched since {created.day} {created:%b}"
    up_s, counted_s = sum(day.uptime.up_s for day in days), sum(day.uptime.up_s + day.uptime.down_s for day in days)
    return DrawnDays(
        name=monitor.name,
        strip=quarter_strip(runs),
        end=days[-1].start,
        address=f"/monitors/{monitor.public_id}/days",
        begins=begins,
        sum=f"{percent(up_s / counted_s)} up" if counted_s else "not measured",
        texts="|".join(day.text for day in days),
    )


def target_of(page: MonitorPage, may_write: bool) -> str:
    """The target; people who may only read see no credential that stands in it."""
    return page.row.target if may_write else hidden_in_text(page.row.target)


def posts_of(provider: ProviderStatus | None) -> list[tuple[ProviderPost, str]]:
    """Posts of the provider, each with our lead over it in words."""
    return [(post, _lead(post.lead_s)) for post in provider.posts] if provider else []


def _lead(lead_s: float | None) -> str:
    if lead_s is None:
        return ""
    span = length(timedelta(seconds=abs(lead_s)))
    return f"We saw it {span} before they said so." if lead_s > 0 else f"They said so {span} before we saw it."
