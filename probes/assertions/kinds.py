"""Kinds of assertions on an answer: one small struct for each kind, and one function to judge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT, AssertionBase, PlainAssertion, undecided
from probes.assertions.certificate import CertificateIs
from probes.assertions.header import Header as Header
from probes.assertions.json_path import JsonPath
from probes.assertions.jsonpath_engine import paths_bounded
from probes.assertions.regex import compiled, pattern_problem
from probes.assertions.status_codes import codes
from probes.net.http_messages import BODY_LIMIT
from probes.prober import AssertionOutcome, SpecError
from probes.reasons import Reason, Status

#: No monitor has more.
ASSERTIONS_MOST = 20
#: Codes and ranges in one set.
CODES_MOST = 50
#: What the regular expressions of one monitor may cost a check at worst, in steps: about a second of a worker's time.
STEPS_MOST = 100_000_000


class StatusIs(PlainAssertion, frozen=True, kw_only=True, tag="status"):
    """The status code is one of `expected`, codes and ranges like `200` and `200-299`."""

    expected: tuple[str, ...]

    def mistake(self) -> str | None:
        if len(self.expected) > CODES_MOST:
            return f"`expected` has at most {CODES_MOST} codes and ranges"
        try:
            return None if codes(self.expected) else "`expected` names at least one code, like 200 or 200-299"
        except ValueError as error:
            return f"`expected`: {error}"

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        expected = f"a status of {', '.join(self.expected)}"
        return self.outcome(answer.code in codes(self.expected), expected, str(answer.code), Reason.UNEXPECTED_STATUS)


class BodyContains(PlainAssertion, frozen=True, kw_only=True, tag="body_contains"):
    """The body holds `text`, or does not with `absent`."""

    text: str
    absent: bool = False

    def mistake(self) -> str | None:
        return None if 1 <= len(self.text) <= TEXT_LIMIT else f"`text` has 1 to {TEXT_LIMIT} characters"

    def reads_body(self) -> bool:
        return True

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        wanted = self.text.encode(errors="replace")
        held = any(wanted in body for body in answer.readings())
        expected = f"a body {'without' if self.absent else 'with'} {self.text[:80]!r}"
        if answer.unread and not held:
            return undecided(expected, answer)
        return self.outcome(held is not self.absent, expected, _body(answer, held), Reason.BODY_MISMATCH)


class Regex(PlainAssertion, frozen=True, kw_only=True, tag="regex"):
    """The RE2 `pattern` matches somewhere in the body, or nowhere with `absent`."""

    pattern: str
    absent: bool = False

    def mistake(self) -> str | None:
        return pattern_problem(self.pattern)

    def weight(self) -> int:
        return compiled(self.pattern).programsize

    def reads_body(self) -> bool:
        return True

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        pattern = compiled(self.pattern)
        held = any(pattern.search(body) is not None for body in answer.readings())
        expected = f"a body {'without a match' if self.absent else 'with a match'} of {self.pattern!r}"
        if answer.unread and not held:
            return undecided(expected, answer)
        return self.outcome(held is not self.absent, expected, _body(answer, held), Reason.BODY_MISMATCH)


class BodySize(PlainAssertion, frozen=True, kw_only=True, tag="body_size"):
    """The body has at least `min_bytes`, and at most `max_bytes` unless that is 0."""

    min_bytes: int = 0
    max_bytes: int = 0

    def mistake(self) -> str | None:
        if self.min_bytes < 0 or self.max_bytes < 0 or not (self.min_bytes or self.max_bytes):
            return "set `min_bytes`, `max_bytes` or both, in bytes above 0"
        if self.max_bytes and self.min_bytes > self.max_bytes:
            return "`min_bytes` is not above `max_bytes`"
        return None

    def reads_body(self) -> bool:
        return True

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        size = len(answer.body)
        small_enough = not self.max_bytes or size <= self.max_bytes
        most = f"at most {self.max_bytes}" if self.max_bytes else ""
        least = f"at least {self.min_bytes}" if self.min_bytes else ""
        expected = f"a body of {' and '.join(filter(None, (least, most)))} bytes"
        found = f"{'more than ' if answer.truncated else ''}{size} bytes"
        if answer.truncated and small_enough and (self.max_bytes or size < self.min_bytes):
            return undecided(expected, answer)
        return self.outcome(size >= self.min_bytes and small_enough, expected, found, Reason.BODY_MISMATCH)


class Latency(AssertionBase, frozen=True, kw_only=True, tag="latency"):
    """The whole attempt takes less than `degraded_ms`, and less than `down_ms`; 0 sets no limit."""

    degraded_ms: int = 0
    down_ms: int = 0

    def problem(self) -> str | None:
        if self.degraded_ms < 0 or self.down_ms < 0 or not (self.degraded_ms or self.down_ms):
            return "set `degraded_ms`, `down_ms` or both, in milliseconds above 0"
        if self.down_ms and self.degraded_ms >= self.down_ms:
            return "`degraded_ms` is below `down_ms`"
        return None

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        took_ms = answer.total_us // 1000
        for limit_ms, status in ((self.down_ms, Status.DOWN), (self.degraded_ms, Status.DEGRADED)):
            if limit_ms and took_ms >= limit_ms:
                return AssertionOutcome(
                    False, f"an answer in less than {limit_ms} ms", f"{took_ms} ms", status, Reason.SLOW
                )
        return AssertionOutcome(True, f"an answer in less than {self.degraded_ms or self.down_ms} ms", f"{took_ms} ms")


class CertificateDays(AssertionBase, frozen=True, kw_only=True, tag="certificate_days"):
    """The certificate is valid for at least `degraded_days` more, and at least `down_days`; 0 sets no limit."""

    degraded_days: int = 0
    down_days: int = 0

    def problem(self) -> str | None:
        if not 0 <= self.degraded_days <= 3650 or not 0 <= self.down_days <= 3650:
            return "days are between 0 and 3650"
        if not (self.degraded_days or self.down_days):
            return "set `degraded_days`, `down_days` or both"
        if self.degraded_days and self.down_days >= self.degraded_days:
            return "`down_days` is below `degraded_days`"
        return None

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        least = f"a certificate valid for at least {self.degraded_days or self.down_days} days"
        soonest = answer.soonest or answer.certificate
        if soonest is None:
            return AssertionOutcome(False, least, "no certificate", Status.DOWN, Reason.CERTIFICATE_INVALID)
        days = soonest.days_left(answer.now_s)
        found = f"{days} days{answer.soonest_of and f' ({answer.soonest_of})'}"
        for limit, status in ((self.down_days, Status.DOWN), (self.degraded_days, Status.DEGRADED)):
            if limit and days < limit:
                expected = f"a certificate valid for at least {limit} days"
                return AssertionOutcome(False, expected, found, status, Reason.CERTIFICATE_EXPIRING)
        return AssertionOutcome(True, least, found)


Assertion = StatusIs | Header | BodyContains | Regex | JsonPath | Latency | CertificateDays | CertificateIs | BodySize
Kind = Literal[
    "status", "header", "body_contains", "regex", "jsonpath", "latency", "certificate_days", "certificate", "body_size"
]


def validate_assertions(assertions: Sequence[AssertionBase], bytes_most: int = BODY_LIMIT) -> None:
    """Refuse, with SpecError, assertions that could not be judged in time against an answer of that many bytes."""
    if len(assertions) > ASSERTIONS_MOST:
        raise SpecError("assertions", f"at most {ASSERTIONS_MOST}")
    for place, assertion in enumerate(assertions):
        problem = assertion.problem()
        if problem is not None:
            raise SpecError(f"assertions[{place}]", problem)
    if sum(assertion.weight() for assertion in assertions) * max(bytes_most, BODY_LIMIT) > STEPS_MOST:
        limit = f" or lower `body_limit` ({bytes_most} bytes)" if bytes_most > BODY_LIMIT else ""
        raise SpecError("assertions", f"the regular expressions are too heavy together: simplify them{limit}")


def judge(assertions: Sequence[AssertionBase], answer: AnswerView) -> tuple[AssertionOutcome, ...]:
    """The outcome of every assertion, in their order."""
    with paths_bounded():
        return tuple(assertion.judge(answer) for assertion in assertions)


def worst(outcomes: Sequence[AssertionOutcome]) -> AssertionOutcome | None:
    """The failure that decides: DOWN before DEGRADED, then the first; None when all hold."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    return next((each for each in failed if each.status is Status.DOWN), failed[0] if failed else None)


def _body(answer: AnswerView, held: bool) -> str:
    if held:
        return "it"
    cut = "the first " if answer.truncated else ""
    return (
        f"{cut}{len(answer.body)} bytes: {answer.quoted(answer.readings()[-1][:400])}"
        if answer.body
        else "an empty body"
    )
