"""Header assertion: a header that is there, or absent, or has a value that meets one condition."""

from __future__ import annotations

from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT, PlainAssertion
from probes.assertions.regex import compiled, pattern_problem
from probes.prober import AssertionOutcome
from probes.reasons import Reason

_DEMANDS = ("equals", "contains", "matches")


class Header(PlainAssertion, frozen=True, kw_only=True, tag="header"):
    """The header `name` is there; or it is `absent`; or a value of it equals, contains, or matches (RE2) a text."""

    name: str
    equals: str | None = None
    contains: str | None = None
    matches: str | None = None
    absent: bool = False

    def mistake(self) -> str | None:
        if not 1 <= len(self.name) <= 100:
            return "`name` has 1 to 100 characters"
        given = [each for each in _DEMANDS if getattr(self, each) is not None]
        if len(given) + self.absent > 1:
            return "give one of `equals`, `contains`, `matches` and `absent`, or none to ask for the header alone"
        if any(len(getattr(self, each)) > TEXT_LIMIT for each in given):
            return f"the text has at most {TEXT_LIMIT} characters"
        return None if self.matches is None else pattern_problem(self.matches)

    def weight(self) -> int:
        return 0 if self.matches is None else compiled(self.matches).programsize

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        values = [value for key, value in answer.headers if key == self.name.lower()]
        # A header has one character per byte; what people write into it today is UTF-8.
        values = [spelt for spelt in map(_spelt, values) if spelt is not None] + values
        if self.absent:
            passed, condition = not values, "absent"
        elif self.equals is not None:
            passed, condition = self.equals in values, f"equal to {self.equals!r}"
        elif self.contains is not None:
            passed, condition = any(self.contains in value for value in values), f"containing {self.contains!r}"
        elif self.matches is not None:
            pattern = compiled(self.matches)
            passed = any(pattern.search(value.encode(errors="replace")) for value in values)
            condition = f"matching {self.matches!r}"
        else:
            passed, condition = bool(values), "present"
        found = ", ".join(answer.quoted(value) for value in values[:3]) or "no such header"
        return self.outcome(passed, f"the header {self.name} {condition}", found, Reason.HEADER_MISMATCH)


def _spelt(value: str) -> str | None:
    """A header's value read as UTF-8, where it is more than ASCII."""
    if value.isascii():
        return None
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return None
