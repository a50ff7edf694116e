"""Base of all assertions: how one is judged, and the reason and status that it gives when it fails."""

from __future__ import annotations

from typing import Literal

import msgspec

from probes.assertions.answer import AnswerView
from probes.prober import AssertionOutcome
from probes.reasons import NO_VOTE_REASONS, Reason, Status

#: Longest text to look for (characters).
TEXT_LIMIT = 1000
#: Longest text of what was expected or found (characters).
FOUND_LIMIT = 200


class AssertionBase(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True, omit_defaults=True
):
    """One assertion. `problem` says at save what is wrong with it; `judge` applies it to an answer."""

    def problem(self) -> str | None:
        raise NotImplementedError

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        raise NotImplementedError

    def reads_body(self) -> bool:
        """Whether it judges the body, so that the whole of it is needed."""
        return False

    def weight(self) -> int:
        """What a byte of the answer may cost at worst, in steps of a regular expression."""
        return 0


class PlainAssertion(AssertionBase, frozen=True, kw_only=True):
    """An assertion that holds or not. Its failure is `gives`, with `reason` instead of the kind's own when named."""

    gives: Literal["down", "degraded"] = "down"
    reason: Reason | None = None

    def problem(self) -> str | None:
        if self.reason == Reason.OK or self.reason in NO_VOTE_REASONS:
            return f"`reason` says why a target is not well, which {self.reason} does not"
        return self.mistake()

    def mistake(self) -> str | None:
        """What is wrong with the fields of the kind itself."""
        raise NotImplementedError

    def outcome(self, passed: bool, expected: str, found: str, reason: Reason) -> AssertionOutcome:
        """The outcome, with `reason` for a failure unless the monitor names another."""
        expected, found = expected[:FOUND_LIMIT], found[:FOUND_LIMIT]
        if passed:
            return AssertionOutcome(True, expected, found)
        return AssertionOutcome(False, expected, found, Status(self.gives), self.reason or reason)


def undecided(expected: str, answer: AnswerView) -> AssertionOutcome:
    """The outcome over a body of which a part is unknown: neither held nor failed, so it is no more than DEGRADED."""
    return AssertionOutcome(False, expected[:FOUND_LIMIT], answer.unread, Status.DEGRADED, Reason.TOO_LARGE)
