"""The assertion on JSON: what an RFC 9535 path selects of the body, compared with one demand."""

from __future__ import annotations

import msgspec

from probes.demand import TEXT_LIMIT, PlainDemand
from probes.jsonpaths import BadPath, TooManySteps, compiled_path, selected
from probes.observation import AssertionOutcome
from probes.reasons import Reason
from probes.sight import NotJson, Sight

Scalar = str | int | float | bool | None
_SHOWN = 3


class JsonPath(PlainDemand, frozen=True, kw_only=True, tag="jsonpath"):
    """What `path` selects meets exactly one demand.

    `exists`, `absent`: something, or nothing, is selected. `equals`: one value is selected, and is this.
    `contains`: one of the selected values, or an element of a selected array, is this.
    `all_equal`: something is selected, and every value of it is this. `count_min`, `count_max`: so many are selected.
    """

    path: str
    exists: bool = False
    absent: bool = False
    equals: Scalar | msgspec.UnsetType = msgspec.UNSET
    contains: Scalar | msgspec.UnsetType = msgspec.UNSET
    all_equal: Scalar | msgspec.UnsetType = msgspec.UNSET
    count_min: int | None = None
    count_max: int | None = None

    def mistake(self) -> str | None:
        try:
            compiled_path(self.path)
        except BadPath as error:
            return f"`path`: {error}"
        values = [each for each in (self.equals, self.contains, self.all_equal) if each is not msgspec.UNSET]
        counts = self.count_min is not None or self.count_max is not None
        if len(values) + self.exists + self.absent + counts != 1:
            return "give one of `exists`, `absent`, `equals`, `contains`, `all_equal`, or `count_min` with `count_max`"
        if any(isinstance(value, str) and len(value) > TEXT_LIMIT for value in values):
            return f"a text to compare with has at most {TEXT_LIMIT} characters"
        least, most = self.count_min or 0, self.count_max
        if least < 0 or (most is not None and most < least):
            return "`count_min` is 0 or more and not above `count_max`"
        return None

    def judge(self, sight: Sight) -> AssertionOutcome:
        expected = self._expected()
        try:
            values = selected(self.path, sight.document())
        except NotJson as error:
            found = f"a body of {len(sight.body)} bytes that cannot be read as JSON: {error}"
            return self.outcome(False, expected, found, Reason.VALUE_MISMATCH)
        except TooManySteps:
            return self.outcome(False, expected, "a document too large for this path", Reason.TOO_LARGE)
        return self.outcome(self._holds(values), expected, _shown(values, sight), Reason.VALUE_MISMATCH)

    def _holds(self, values: list[object]) -> bool:
        if self.exists:
            return bool(values)
        if self.absent:
            return not values
        if self.equals is not msgspec.UNSET:
            return len(values) == 1 and _same(values[0], self.equals)
        if self.all_equal is not msgspec.UNSET:
            return bool(values) and all(_same(value, self.all_equal) for value in values)
        if self.contains is not msgspec.UNSET:
            return any(_holds(value, self.contains) for value in values)
        return len(values) >= (self.count_min or 0) and (self.count_max is None or len(values) <= self.count_max)

    def _expected(self) -> str:
        if self.exists:
            return f"something at {self.path}"
        if self.absent:
            return f"nothing at {self.path}"
        for words, value in (("to be", self.equals), ("to contain", self.contains), ("to be only", self.all_equal)):
            if value is not msgspec.UNSET:
                return f"{self.path} {words} {_json(value)}"
        if self.count_min == self.count_max:
            return f"{self.count_min} values at {self.path}"
        least = f"at least {self.count_min}" if self.count_min is not None else ""
        most = f"at most {self.count_max}" if self.count_max is not None else ""
        return f"{' and '.join(filter(None, (least, most)))} values at {self.path}"


def _same(value: object, wanted: object) -> bool:
    # JSON tells true from 1, which Python does not.
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _holds(value: object, wanted: object) -> bool:
    if isinstance(value, list):
        return any(_same(element, wanted) for element in value)
    return _same(value, wanted)


def _shown(values: list[object], sight: Sight) -> str:
    if not values:
        return "nothing there"
    shown = ", ".join(sight.quoted_json(value) for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{len(values)} values: {shown}, …"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()[:80]
