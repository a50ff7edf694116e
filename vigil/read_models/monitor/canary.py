"""Canary of a monitor's page: its money, its last answers, and the times of each region's last stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from probes.ai.prices import dollars
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.canaries.core.window import CanaryAnswer
from vigil.canaries.core.wording import month_name
from vigil.canaries.reading import canary_report
from vigil.monitors.core.result_facts import as_number
from vigil.monitors.costs import canary_estimate
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor

#: Answers on the page, newest first.
SHOWN_MOST = 10


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One answer, in words; `counts` when it is one of those that decide the status."""

    at: datetime
    region: str
    bad: bool
    words: str
    counts: bool


@dataclass(frozen=True, slots=True)
class ShownStream:
    """Times of a region's last stream, with their units; "" where not known."""

    region: str
    first_token: str
    gap_p95: str
    longest_stall: str
    speed: str
    finish: str
    model: str


@dataclass(frozen=True, slots=True)
class CanaryPage:
    """What the page says of a canary. `spent_part` is a share of the budget, from 0 to 1."""

    price: str
    spent: str
    spent_part: float
    stopped: str
    rule: str
    answers: Sequence[ShownAnswer]
    streams: Sequence[ShownStream]


def read_canary(monitor: Monitor, facts: Mapping[str, Mapping[str, object] | None], now: datetime) -> CanaryPage | None:
    """The canary of a monitor; None for another kind. `facts` are those of the last result of each region."""
    report = canary_report(monitor, now)
    if report is None:
        return None
    estimate = canary_estimate(monitor.kind, monitor.config, monitor.interval_s)
    counted = {one.slot_ms for one in report.window}
    spent = report.spent + report.reserved
    return CanaryPage(
        price=estimate.text if estimate is not None else "",
        spent=f"{dollars(spent)} of {dollars(report.budget)} in {month_name(report.month)}",
        spent_part=min(1.0, spent / report.budget) if report.budget else 1.0,
        stopped=report.stopped,
        rule=report.said,
        answers=[_shown(one, one.slot_ms in counted) for one in reversed(report.answers[-SHOWN_MOST:])],
        streams=[_stream(region, found) for region, found in facts.items() if found and "stream_ms" in found],
    )


def _shown(answer: CanaryAnswer, counts: bool) -> ShownAnswer:
    words = answer.detail or (reason_in_words(answer.reason) if answer.bad else "as asked")
    return ShownAnswer(instant(answer.slot_ms), answer.region, answer.bad, words, counts)


def _stream(region: str, facts: Mapping[str, object]) -> ShownStream:
    return ShownStream(
        region=region,
        first_token=_ms(facts.get("first_token_ms")),
        gap_p95=_ms(facts.get("gap_p95_ms")),
        longest_stall=_ms(facts.get("longest_stall_ms")),
        speed=_number(facts.get("tokens_per_s")),
        finish=_text(facts.get("finish_reason")),
        model=_text(facts.get("model_answered")),
    )


def _ms(value: object) -> str:
    number = as_number(value)
    return "" if number is None else f"{number:,.0f} ms"


def _number(value: object) -> str:
    number = as_number(value)
    return "" if number is None else f"{number:,.1f}"


def _text(value: object) -> str:
    return value[:60] if isinstance(value, str) else ""
