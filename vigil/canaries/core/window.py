"""Window of a canary's last answers: k bad ones of the last n degrade it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from probes.ai.streams.facts import ANSWER_FAULT
from probes.reasons import ACCOUNT_REASONS, Reason, Status
from probes.wire import Result
from vigil.canaries.core.budget import LAPSES_AFTER_MS

#: Answers that are kept.
KEPT = 20
_DETAIL_MOST = 120
#: As many good answers in a row end what is bad: recovery takes two passing rounds elsewhere, too.
_STEADY = 2


class WindowStanding(StrEnum):
    """What the last answers say."""

    UNDECIDED = "undecided"
    GOOD = "good"
    BAD = "bad"
    ACCOUNT = "account"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CanaryAnswer:
    """One answer: its slot (ms since the epoch), who asked, and what was wrong with it (`fault`, and in words)."""

    slot_ms: int
    region: str
    revision: int
    bad: bool
    reason: Reason
    fault: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WindowRule:
    """`bad_answers` of the last `of_answers` degrade."""

    bad_answers: int
    of_answers: int


def answer_of(region: str, result: Result) -> CanaryAnswer | None:
    """The answer that a result brings; None where nothing was asked, or nothing could be seen."""
    if result.status is Status.UNKNOWN or result.attempts == 0:
        return None
    fault = result.facts.get(ANSWER_FAULT, "")
    return CanaryAnswer(
        slot_ms=result.at_ms,
        region=region,
        revision=result.revision,
        bad=result.status is not Status.UP,
        reason=result.reason,
        fault=str(fault)[:40] if isinstance(fault, str) else "",
        detail=result.detail[:_DETAIL_MOST],
    )


def with_answer(answers: Sequence[CanaryAnswer], answer: CanaryAnswer) -> tuple[CanaryAnswer, ...]:
    """The kept answers with one more, in the order of their slots; each slot once.

    One that is far after it is of a clock that was ahead for a while: it would be the last until then.
    """
    latest_ms = answer.slot_ms + LAPSES_AFTER_MS
    others = [one for one in answers if one.slot_ms != answer.slot_ms and one.slot_ms <= latest_ms]
    return tuple(sorted([*others, answer], key=lambda one: one.slot_ms)[-KEPT:])


def window_of(answers: Sequence[CanaryAnswer], rule: WindowRule, revision: int) -> tuple[CanaryAnswer, ...]:
    """The answers that count: the last of the present configuration."""
    return tuple(one for one in answers if one.revision == revision)[-rule.of_answers :]


def usual_reason(bad: Sequence[CanaryAnswer]) -> Reason:
    """The reason of most of some bad answers; of equal ones that of the latest."""
    reasons = [one.reason for one in bad]
    return max(reversed(reasons), key=reasons.count)


def without_weight(answers: Sequence[CanaryAnswer]) -> tuple[CanaryAnswer, ...]:
    """The answers as ones of another configuration: kept, and no longer counted."""
    return tuple(replace(one, revision=-1) for one in answers)


def judge_window(window: Sequence[CanaryAnswer], rule: WindowRule) -> WindowStanding:
    """What a window says.

    Bad with k bad answers, from two regions at least where two have answered: one region's network degrades nothing.
    Good as soon as it cannot become bad by the answers that are still missing, and the last ones are good: with every
    other answer bad, an incident would open and resolve all the time. Else undecided, which changes nothing.
    """
    bad = [one for one in window if one.bad]
    if len(bad) >= rule.bad_answers:
        if len({one.region for one in window}) > 1 and len({one.region for one in bad}) == 1:
            return WindowStanding.UNDECIDED
        account = sum(one.reason in ACCOUNT_REASONS for one in bad)
        return WindowStanding.ACCOUNT if 2 * account > len(bad) else WindowStanding.BAD
    good = len(window) - len(bad)
    is_steady = not any(one.bad for one in window[-_STEADY:])
    return WindowStanding.GOOD if is_steady and good > rule.of_answers - rule.bad_answers else WindowStanding.UNDECIDED
