"""Rows of a trial: what each region saw, the assertions it passed, and one sentence on all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consensus.review.explain import WHY_EXCLUDED
from probes.checks.assertion_facts import assertions_of
from probes.reasons import Reason, Status
from probes.wire import Result
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.dispatch.core.trials import AnswerState, RegionAnswer, TrialReport, TrialState
from vigil.monitors.core.result_facts import as_number
from vigil.read_models.core.figures import milliseconds
from vigil.read_models.core.shown_states import ShownState
from vigil.web.parts.marks import StateMark, mark

_LOOKING, _SILENT, _NOT_ASKED = "Looking\u2026", "No answer", "Not asked"
#: Reasons of one's own account: the target is well.
_ACCOUNT = {
    Reason.AUTH: "refused this key",
    Reason.QUOTA: "says that the quota is used up",
    Reason.RATE_LIMITED: "says that there were too many requests",
}
NAMED_MOST = 5


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One thing that an answer shows; `passed` is None for what is no assertion."""

    text: str
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One region."""

    region: str
    mark: StateMark
    took: str
    lines: Sequence[TrialLine]


@dataclass(frozen=True, slots=True)
class TrialRows:
    """A trial as a page shows it. `version` changes with what is shown, `is_well` is that of all who answered."""

    rows: Sequence[TrialRow]
    says: str
    version: str
    is_over: bool
    is_well: bool
    advice: str = ""


def trial_rows(report: TrialReport, service: str, has_key: bool = False) -> TrialRows:
    """A trial in words; `service` is what it looked at, such as OpenAI."""
    answered = [one for one in report.answers if one.result is not None]
    is_over = report.state is TrialState.DONE
    return TrialRows(
        rows=[_row(one, has_key) for one in report.answers],
        says=_says(report, service, answered),
        version=f"{report.state.value}-{'.'.join(sorted(one.region for one in answered))}"[:400],
        is_over=is_over,
        is_well=is_over and bool(answered) and all(_status(one) is Status.UP for one in answered),
        advice=_advice(report, answered) if is_over else "",
    )


def _row(answer: RegionAnswer, has_key: bool) -> TrialRow:
    if answer.result is None:
        return TrialRow(answer.region, _waiting_mark(answer), "", _why_without(answer))
    result = answer.result
    word = "Key refused" if result.reason is Reason.AUTH else ""
    state = ShownState.DEGRADED if result.reason in _ACCOUNT else ShownState(result.status.value)
    took = milliseconds(result.phases.total_us / 1000)
    return TrialRow(answer.region, mark(state, word), took, list(_lines(result, has_key)))


def _waiting_mark(answer: RegionAnswer) -> StateMark:
    if answer.state is AnswerState.PENDING:
        return mark(ShownState.NEW, _LOOKING, "ring")
    return mark(ShownState.UNKNOWN, _SILENT if answer.state is AnswerState.SILENT else _NOT_ASKED)


def _why_without(answer: RegionAnswer) -> list[TrialLine]:
    if answer.state is AnswerState.PENDING or answer.why is None:
        return []
    return [TrialLine(f"it {WHY_EXCLUDED.get(answer.why.value, answer.why.value.replace('_', ' '))}")]


def _lines(result: Result, has_key: bool) -> Iterable[TrialLine]:
    facts, outcomes = assertions_of(result.facts)
    if result.status is not Status.UP and not any(not one.passed for one in outcomes):
        words = reason_in_words(result.reason)
        yield TrialLine(f"{words}: {result.detail}" if result.detail else words, None)
    elif has_key and result.status is Status.UP:
        yield TrialLine("key accepted", True)
    if result.code and result.status is Status.UP:
        yield TrialLine(f"status {result.code}", True)
    for one in outcomes:
        yield TrialLine(one.expected if one.passed else f"{one.expected}; was {one.found}", one.passed)
    days = as_number(facts.get("certificate_days"))
    if days is not None:
        yield TrialLine(f"certificate {days:.0f} d")


def _says(report: TrialReport, service: str, answered: Sequence[RegionAnswer]) -> str:
    total = len(report.answers)
    if report.state is not TrialState.DONE:
        return f"{len(answered)} of {total} regions have answered."
    if not answered:
        return "No region has answered. Nothing is known of it yet."
    reasons = {one.result.reason for one in answered if one.result is not None}
    if len(reasons) == 1 and (words := _ACCOUNT.get(next(iter(reasons)))):
        code = answered[0].result.code if answered[0].result else 0
        where = f"all {total}" if len(answered) == total else f"{len(answered)} of {total}"
        return f"{service} {words}{f' ({code})' if code else ''} from {where} regions."
    well = [one for one in answered if _status(one) is Status.UP]
    if len(well) == total:
        return "The one region sees it well." if total == 1 else f"All {total} regions see it well."
    if not well and len(answered) == total and len(reasons) == 1:
        words = reason_in_words(next(iter(reasons)))
        return f"The one region says: {words}." if total == 1 else f"None of {total} regions sees it well: {words}."
    parts = [f"{len(well)} of {total} regions see{'s' if len(well) == 1 else ''} it well"]
    parts += [_differs(one) for one in report.answers if _status(one) is not Status.UP][:NAMED_MOST]
    return "; ".join(parts) + "."


def _differs(one: RegionAnswer) -> str:
    if one.result is None:
        return f"{one.region} {'has not answered' if one.state is not AnswerState.NOT_ASKED else 'was not asked'}"
    return f"{one.region} says {reason_in_words(one.result.reason)}"


def _advice(report: TrialReport, answered: Sequence[RegionAnswer]) -> str:
    if not answered:
        return "Check that a worker runs at each region; `manage.py doctor` says what is missing."
    reasons = {one.result.reason for one in answered if one.result is not None}
    if reasons == {Reason.AUTH}:
        return "Nothing is down: check that the key is whole and not revoked."
    if reasons <= set(_ACCOUNT):
        return "Nothing is down: check the account of this key."
    if all(_status(one) is not Status.UP for one in answered):
        return "Check the address. You can watch it all the same: the first incident then begins at once."
    return ""


def _status(one: RegionAnswer) -> Status | None:
    return one.result.status if one.result is not None else None
