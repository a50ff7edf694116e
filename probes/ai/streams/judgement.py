"""Judgement of a streamed answer: whole, timely, and what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from probes.ai.classify import said_inside
from probes.ai.model_names import is_listed
from probes.ai.streams.answer import Finish, StreamedAnswer
from probes.ai.streams.timing import StreamTiming
from probes.reasons import Reason

#: What refusals begin with, in lower case and with straight apostrophes. Only the beginning counts: a text may speak
#: of them.
_REFUSALS = (
    "i'm sorry, but i", "i am sorry, but i", "sorry, but i", "sorry, i can", "i can't", "i cannot", "i won't",
    "i'm unable", "i am unable", "i'm not able", "i am not able",
)  # fmt: skip
_SHOWN_MOST = 60
#: An argument that is not there, which is not one that is null.
_NO = object()
#: What is refused for our part is refused before the first token; after it a gateway only calls a fault so.
_REFUSALS_BEFORE = frozenset({Reason.CONFIG, Reason.AUTH})


class AnswerFault(StrEnum):
    """What is wrong with an answer; in the order in which one hides the next."""

    ERROR_IN_STREAM = "error_in_stream"
    CUT = "cut"
    REFUSED = "refused"
    EMPTY = "empty"
    OTHER_MODEL = "other_model"
    WRONG_TOOL_CALL = "wrong_tool_call"
    INVALID_JSON = "invalid_json"
    TEXT_MISSING = "text_missing"
    LENGTH = "length"
    SLOW_FIRST_TOKEN = "slow_first_token"
    STALLED = "stalled"
    SLOW_GAPS = "slow_gaps"
    SLOW_TOKENS = "slow_tokens"


_REASONS = {
    AnswerFault.ERROR_IN_STREAM: Reason.HTTP_5XX,
    AnswerFault.CUT: Reason.RESET,
    AnswerFault.OTHER_MODEL: Reason.VALUE_MISMATCH,
    AnswerFault.SLOW_FIRST_TOKEN: Reason.SLOW,
    AnswerFault.STALLED: Reason.STALLED,
    AnswerFault.SLOW_GAPS: Reason.SLOW,
    AnswerFault.SLOW_TOKENS: Reason.SLOW,
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the answer must be. Limits of 0 are none; lengths are characters, times seconds.

    `arguments` None takes any. The others than `tool` do not apply to an answer that calls it.
    """

    model: str
    same_model: bool = True
    may_refuse: bool = False
    text: str = ""
    json: bool = False
    tool: str = ""
    arguments: Mapping[str, Any] | None = None
    length_least: int = 0
    length_most: int = 0
    first_token_most_s: float = 0.0
    stall_most_s: float = 0.0
    gap_p95_most_s: float = 0.0
    tokens_per_s_least: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One demand: what was expected, what was found, and the finding where it is not met."""

    expected: str
    found: str
    fault: AnswerFault | None = None
    reason: Reason = Reason.OK


def judge(answer: StreamedAnswer, timing: StreamTiming, is_cut: bool, expected: Expectation) -> list[Judged]:
    """Every demand on an answer with its outcome, the weightiest first. Of a stream that failed nothing else counts."""
    if answer.error:
        read = said_inside(answer.error)
        words = f"an error in the stream{f' ({read.token})' if read and read.token else ''}"
        reason = read.reason if read else _REASONS[AnswerFault.ERROR_IN_STREAM]
        if answer.token_times_s and reason in _REFUSALS_BEFORE:
            reason = _REASONS[AnswerFault.ERROR_IN_STREAM]
        return [Judged("a stream without an error", words, AnswerFault.ERROR_IN_STREAM, reason)]
    if is_cut:
        after = f"after {len(answer.token_times_s)} token events"
        return [_failed(AnswerFault.CUT, "a stream with an end", f"no finish reason and no end marker, {after}")]
    return [*_of_content(answer, expected), *_of_timing(timing, expected)]


def first_failure(judged: list[Judged]) -> Judged | None:
    return next((one for one in judged if one.fault is not None), None)


def _of_content(answer: StreamedAnswer, expected: Expectation) -> Iterator[Judged]:
    text = str(answer.text)
    refused = _refusal(answer, text)
    if refused and not expected.may_refuse:
        yield _failed(AnswerFault.REFUSED, "an answer", refused)
        return
    if not text.strip() and not answer.calls and not refused:
        yield _failed(AnswerFault.EMPTY, "an answer", _why_empty(answer))
        return
    if expected.same_model and answer.model:
        same = is_listed(expected.model, [answer.model])
        yield _judged(AnswerFault.OTHER_MODEL, same, f"the model {expected.model}", answer.model)
    if expected.tool:
        yield _tool_call(answer, expected)
        return
    if expected.json:
        yield _judged(AnswerFault.INVALID_JSON, _is_json(text), "valid JSON", f"{_shown(text)}{_ended_early(answer)}")
    if expected.text:
        there = expected.text.casefold() in text.casefold()
        yield _judged(AnswerFault.TEXT_MISSING, there, f"the text {_shown(expected.text)}", _shown(text))
    if expected.length_least or expected.length_most:
        fits = expected.length_least <= len(text) and (not expected.length_most or len(text) <= expected.length_most)
        most = f" to {expected.length_most}" if expected.length_most else " or more"
        yield _judged(AnswerFault.LENGTH, fits, f"{expected.length_least}{most} characters", str(len(text)))


def _of_timing(timing: StreamTiming, expected: Expectation) -> Iterator[Judged]:
    for finding, words, found_s, most_s in (
        (AnswerFault.SLOW_FIRST_TOKEN, "the first token", timing.first_token_s, expected.first_token_most_s),
        (AnswerFault.STALLED, "no stall", timing.longest_stall_s, expected.stall_most_s),
        (AnswerFault.SLOW_GAPS, "95 % of the gaps", timing.gap_p95_s, expected.gap_p95_most_s),
    ):
        if most_s and found_s is not None:
            within = "longer than" if finding is AnswerFault.STALLED else "within"
            yield _judged(finding, found_s <= most_s, f"{words} {within} {most_s:g} s", f"{found_s:.2f} s")
    least = expected.tokens_per_s_least
    if least and timing.tokens_per_s is not None:
        speed = timing.tokens_per_s
        yield _judged(AnswerFault.SLOW_TOKENS, speed >= least, f"{least:g} tokens a second", f"{speed:.1f}")


def _tool_call(answer: StreamedAnswer, expected: Expectation) -> Judged:
    wanted = f"one call of {expected.tool}"
    calls = [answer.calls[place] for place in sorted(answer.calls)]
    if len(calls) != 1:
        found = f"{len(calls)} calls" if calls else f"no call, but {_shown(str(answer.text))}"
        return _failed(AnswerFault.WRONG_TOOL_CALL, wanted, found)
    [call] = calls
    if call.name != expected.tool:
        return _failed(AnswerFault.WRONG_TOOL_CALL, wanted, f"a call of {_shown(call.name)}")
    given = _decoded(str(call.arguments) or "{}")
    if not isinstance(given, dict):
        return _failed(AnswerFault.WRONG_TOOL_CALL, f"{wanted} with arguments", "arguments that are no JSON object")
    asked = given if expected.arguments is None else expected.arguments
    differ = sorted(
        name for name in given.keys() | asked.keys() if not _is_same(given.get(name, _NO), asked.get(name, _NO))
    )
    if differ:
        found = f"other values of {', '.join(map(_shown, differ[:5]))}"
        return _failed(AnswerFault.WRONG_TOOL_CALL, f"{wanted} with exactly its arguments", found)
    return Judged(wanted, "it")


def _is_same(given: Any, asked: Any) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, and not `true`, which Python takes for it."""
    if isinstance(given, dict) and isinstance(asked, dict):
        return given.keys() == asked.keys() and all(_is_same(given[name], asked[name]) for name in asked)
    if isinstance(given, list) and isinstance(asked, list):
        return len(given) == len(asked) and all(map(_is_same, given, asked))
    return isinstance(given, bool) is isinstance(asked, bool) and bool(given == asked)


def _refusal(answer: StreamedAnswer, text: str) -> str:
    if answer.refusal.length or answer.finish is Finish.REFUSAL:
        return "a refusal"
    if answer.finish is Finish.FILTER:
        return f"stopped by a filter ({_shown(answer.finish_said)})"
    begins = text.lstrip().casefold()[:80].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return f"a refusal: {_shown(text)}" if begins.startswith(_REFUSALS) and not answer.calls else ""


def _why_empty(answer: StreamedAnswer) -> str:
    if answer.finish is Finish.LENGTH and (answer.reasons_first or answer.usage.reasoning):
        return "nothing: hidden reasoning took all of max_tokens"
    return f"nothing{_ended_early(answer)}"


def _ended_early(answer: StreamedAnswer) -> str:
    return ", ended by max_tokens" if answer.finish is Finish.LENGTH else ""


def _is_json(text: str) -> bool:
    return _decoded(text) is not msgspec.UNSET


def _decoded(text: str) -> Any:
    """The decoded JSON; UNSET of what is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return msgspec.UNSET


def _judged(finding: AnswerFault, met: bool, expected: str, found: str) -> Judged:
    return Judged(expected, found) if met else _failed(finding, expected, found)


def _failed(finding: AnswerFault, expected: str, found: str) -> Judged:
    return Judged(expected, found, finding, _REASONS.get(finding, Reason.BODY_MISMATCH))


def _shown(text: str) -> str:
    """A little of what the target wrote, in quotes."""
    return repr(text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}...")
