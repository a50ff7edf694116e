"""JSONPath assertion: the values that an RFC 9535 path selects in the body, compared with one condition."""

from __future__ import annotations

import msgspec

from probes.ai.model_names import is_listed
from probes.assertions.answer import AnswerView, NotJsonAnswer
from probes.assertions.base import TEXT_LIMIT, PlainAssertion, undecided
from probes.assertions.jsonpath_engine import BadPath, TooManySteps, compiled_path, selected
from probes.prober import AssertionOutcome
from probes.reasons import Reason

Scalar = str | int | float | bool | None
_SHOWN = 3


class JsonPath(PlainAssertion, frozen=True, kw_only=True, tag="jsonpath"):
    """The values that `path` selects meet exactly one condition.

    `exists`, `absent`: something, or nothing, is selected. `equals`: one value is selected, and is this.
    `contains`: one of the selected values, or an element of a selected array, is this; with a reason that speaks of a
    model, it is a name of that model.
    `all_equal`: at least one value is selected, and each equals this. `count_min`, `count_max`: how many are selected.
    `at_least`, `at_most`: one number is selected, and is within these.
    """

    path: str
    exists: bool = False
    absent: bool = False
    equals: Scalar | msgspec.UnsetType = msgspec.UNSET
    contains: Scalar | msgspec.UnsetType = msgspec.UNSET
    all_equal: Scalar | msgspec.UnsetType = msgspec.UNSET
    count_min: int | None = None
    count_max: int | None = None
    at_least: float | None = None
    at_most: float | None = None

    def mistake(self) -> str | None:
        try:
            compiled_path(self.path)
        except BadPath as error:
            return f"`path`: {error}"
        values = [each for each in (self.equals, self.contains, self.all_equal) if each is not msgspec.UNSET]
        counts = self.count_min is not None or self.count_max is not None
        bounds = self.at_least is not None or self.at_most is not None
        if len(values) + self.exists + self.absent + counts + bounds != 1:
            return (
                "give one of `exists`, `absent`, `equals`, `contains`, `all_equal`, `count_min` with `count_max`, "
                "or `at_least` with `at_most`"
            )
        if any(isinstance(value, str) and len(value) > TEXT_LIMIT for value in values):
            return f"a text to compare with has at most {TEXT_LIMIT} characters"
        if self.at_least is not None and self.at_most is not None and self.at_most < self.at_least:
            return "`at_least` is not above `at_most`"
        least, most = self.count_min or 0, self.count_max
        if least < 0 or (most is not None and most < least):
            return "`count_min` is 0 or more and not above `count_max`"
        return None

    def reads_body(self) -> bool:
        return True

    def judge(self, answer: AnswerView) -> AssertionOutcome:
        expected = self._expected()
        try:
            values = selected(self.path, answer.document())
        except NotJsonAnswer as error:
            if answer.unread:
                return undecided(expected, answer)
            found = f"a body of {len(answer.body)} bytes that cannot be read as JSON: {error}"
            return self.outcome(False, expected, found, Reason.VALUE_MISMATCH)
        except TooManySteps:
            return self.outcome(False, expected, "a document too large for this path", Reason.TOO_LARGE)
        found = _shown(values, answer)
        if values and self._names_model() and self.gives == "degraded" and self.reason is Reason.MODEL_MISSING:
            found = f"it is not listed; it may be an alias ({found})"
        return self.outcome(self._holds(values), expected, found, Reason.VALUE_MISMATCH)

    def _names_model(self) -> bool:
        return isinstance(self.contains, str) and self.reason in (Reason.MODEL_MISSING, Reason.MODEL_NOT_LOADED)

    def _holds(self, values: list[object]) -> bool:
        if self.exists:
            return bool(values)
        if self.absent:
            return not values
        if self.equals is not msgspec.UNSET:
            return len(values) == 1 and _same(values[0], self.equals)
        if self.all_equal is not msgspec.UNSET:
            return bool(values) and all(_same(value, self.all_equal) for value in values)
        if self._names_model():
            return is_listed(str(self.contains), _flat(values))
        if self.contains is not msgspec.UNSET:
            return any(_holds(value, self.contains) for value in values)
        if self.at_least is not None or self.at_most is not None:
            return len(values) == 1 and self._within(values[0])
        return len(values) >= (self.count_min or 0) and (self.count_max is None or len(values) <= self.count_max)

    def _within(self, value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def _expected(self) -> str:
        if self.exists:
            return f"something at {self.path}"
        if self.absent:
            return f"nothing at {self.path}"
        for words, value in (("to be", self.equals), ("to contain", self.contains), ("to be only", self.all_equal)):
            if value is not msgspec.UNSET:
                return f"{self.path} {words} {_json(value)}"
        if self.at_least is not None or self.at_most is not None:
            return f"{self.path} to be {_between(self.at_least, self.at_most)}"
        if self.count_min == self.count_max:
            return f"{self.count_min} values at {self.path}"
        return f"{_between(self.count_min, self.count_max)} values at {self.path}"


def _between(least: float | None, most: float | None) -> str:
    words = ("" if least is None else f"at least {least:g}", "" if most is None else f"at most {most:g}")
    return " and ".join(filter(None, words))


def _same(value: object, wanted: object) -> bool:
    # JSON tells true from 1, which Python does not.
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _holds(value: object, wanted: object) -> bool:
    if isinstance(value, list):
        return any(_same(element, wanted) for element in value)
    return _same(value, wanted)


def _flat(values: list[object]) -> list[object]:
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _shown(values: list[object], answer: AnswerView) -> str:
    if not values:
        return "nothing there"
    shown = ", ".join(answer.quoted_json(value) for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{len(values)} values: {shown}, …"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()[:80]
