"""Conditions of a Gatus endpoint as expectations of a monitor: codes, assertions, and what has no counterpart. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from vigil.importers.core.gatus.operands import (
    Condition,
    escaped,
    expression_of,
    json_path,
    last_name,
    literal_inside,
    milliseconds,
    parent_of,
    parsed,
)
from vigil.importers.core.names import has_reference
from vigil.importers.core.requests import every_code_but
from vigil.importers.core.values import number, scalar, truth

_DAY_MS, _ALL_CODES = 86_400_000, frozenset(range(100, 600))
_NUMBERS = ("STATUS", "RESPONSE_TIME", "CERTIFICATE_EXPIRATION", "DOMAIN_EXPIRATION")
_UNKNOWN = "it is none that Gatus documents"


@dataclass(slots=True)
class Expectations:
    """What the conditions ask for. `codes` is None where none speaks of the status; `values` are DNS answers or
    addresses; `impossible` says why no monitor can ask for it."""

    codes: set[int] | None = None
    assertions: list[dict[str, Any]] = field(default_factory=list)
    down_ms: int = 0
    certificate_days: int = 0
    domain_days: int = 0
    values: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    impossible: str = ""

    @property
    def status(self) -> list[str]:
        """The codes as ranges; without a condition on them any answer passes, as in Gatus."""
        return every_code_but([str(code) for code in _ALL_CODES - (self.codes or _ALL_CODES)])

    @property
    def all_assertions(self) -> list[dict[str, Any]]:
        """The assertions, with those on time and certificate."""
        extra: list[dict[str, Any]] = []
        if self.down_ms:
            extra.append({"type": "latency", "down_ms": self.down_ms})
        if self.certificate_days:
            extra.append({"type": "certificate_days", "down_days": self.certificate_days})
        return [*self.assertions, *extra]

    def leave_out(self, condition: str, why: str) -> None:
        self.notes.append(f"the condition {condition} is left out: {why}")


def expectations_of(conditions: list[str]) -> Expectations:
    """What all conditions ask for together."""
    made = Expectations()
    for written in conditions:
        condition = parsed(written)
        if condition is None or condition.name not in {*_READERS, "CONTEXT"}:
            made.leave_out(written, _UNKNOWN)
        elif condition.name in _NUMBERS and has_reference(condition.value):
            made.impossible = f"{condition.written} compares with a variable: write the number in"
        elif condition.name == "CONTEXT" or "[CONTEXT]" in written:
            made.impossible = "it uses what an earlier step of its suite stored, which a monitor does not know"
        else:
            _READERS[condition.name](made, condition)
    return made


def _status(made: Expectations, condition: Condition) -> None:
    met = {code for code in _ALL_CODES if _meets(code, condition)}
    made.codes = met if made.codes is None else made.codes & met
    if not made.codes:
        made.impossible = f"no code can meet {condition.written}"


def _meets(code: int, condition: Condition) -> bool:
    if condition.operator in ("==", "!="):
        if condition.is_pattern:
            held = fnmatchcase(str(code), condition.value)
        else:
            held = code in {number(option) for option in condition.options}
        return held is (condition.operator == "==")
    return _ordered(code, condition.operator, number(condition.value) or 0)


def _ordered(value: float, operator: str, limit: float) -> bool:
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[operator]


def _response_time(made: Expectations, condition: Condition) -> None:
    limit = milliseconds(condition.value)
    if limit is None or condition.operator not in ("<", "<="):
        made.leave_out(condition.written, "only an answer that is too slow counts here")
        return
    most = max(1, math.ceil(limit) + (condition.operator == "<="))
    made.down_ms = min(made.down_ms or most, most)


def _days(made: Expectations, condition: Condition) -> int:
    limit = milliseconds(condition.value)
    if limit is None or limit < 0 or condition.operator not in (">", ">="):
        made.leave_out(condition.written, "days that are left have a least number only")
        return 0
    days = max(1, math.ceil(limit / _DAY_MS))
    if limit and days * _DAY_MS != limit:
        made.notes.append(f"{condition.written}: counted in whole days, {days} here")
    return min(days, 3650)


def _certificate(made: Expectations, condition: Condition) -> None:
    made.certificate_days = max(made.certificate_days, _days(made, condition))


def _domain(made: Expectations, condition: Condition) -> None:
    made.domain_days = max(made.domain_days, _days(made, condition))


def _connected(made: Expectations, condition: Condition) -> None:
    if truth(condition.value) is not (condition.operator == "=="):
        made.impossible = "it is healthy while it cannot be reached, which no monitor here asks for"


def _rcode(made: Expectations, condition: Condition) -> None:
    if condition.operator != "==" or "NOERROR" not in condition.options:
        made.impossible = "it expects a DNS error, which is always down here"


def _address(made: Expectations, condition: Condition) -> None:
    if condition.operator == "==" and not condition.is_pattern:
        made.values += condition.options
    else:
        made.leave_out(condition.written, "addresses are compared by value: make a `dns` monitor")


def _body(made: Expectations, condition: Condition) -> None:
    if condition.function == "has":
        wanted = truth(condition.value) is (condition.operator == "==")
        made.assertions.append(
            {"type": "jsonpath", "path": json_path(condition.path), "exists" if wanted else "absent": True}
        )
    elif condition.function == "len":
        _length(made, condition)
    elif condition.path.strip():
        _value(made, condition)
    else:
        _whole_body(made, condition)


def _length(made: Expectations, condition: Condition) -> None:
    limit = number(condition.value)
    if limit is None or condition.operator == "!=":
        made.leave_out(condition.written, "a length is compared with a number")
        return
    if not condition.path.strip():
        least, most = _length_bounds(condition.operator, int(limit))
        bounds = {"min_bytes": least, "max_bytes": most}
        made.assertions.append({"type": "body_size", **{name: size for name, size in bounds.items() if size}})
        made.notes.append(f"{condition.written}: counted in bytes of the body")
        return
    # A length of a text or of an array: the filter takes both, but looks at the values beside it as well.
    parent, counted = parent_of(condition.path), f"length(@) {condition.operator} {int(limit)}"
    made.assertions.append({"type": "jsonpath", "path": f"{parent}[?{counted}]", "exists": True})
    made.notes.append(f"{condition.written}: a value beside it with this length is enough")


def _length_bounds(operator: str, limit: int) -> tuple[int, int]:
    """Least and most size; 0 for no bound."""
    return {
        "==": (limit, limit), "<": (0, limit - 1), "<=": (0, limit), ">": (limit + 1, 0), ">=": (limit, 0)
    }[operator]  # fmt: skip


def _value(made: Expectations, condition: Condition) -> None:
    path = json_path(condition.path)
    if condition.operator == "==" and len(condition.options) == 1 and not condition.is_pattern:
        made.assertions.append({"type": "jsonpath", "path": path, "equals": scalar(condition.value)})
        return
    if condition.operator == "==":
        test = " || ".join(map(_is_pattern if condition.is_pattern else _is_either, condition.options))
        made.assertions.append({"type": "jsonpath", "path": f"{parent_of(condition.path)}[?{test}]", "exists": True})
        made.notes.append(f"{condition.written}: a value beside it that is so is enough")
        return
    if condition.operator == "!=":
        _differs(made, condition)
        return
    limit = milliseconds(condition.value)
    if limit is None:
        made.leave_out(condition.written, "it compares with something that is no number")
        return
    # Gatus cuts what it finds down to a whole number first.
    bound = {
        ">": {"at_least": limit + 1}, ">=": {"at_least": limit}, "<": {"at_most": limit - 1e-6},
        "<=": {"at_most": limit + 1 - 1e-6},
    }[condition.operator]  # fmt: skip
    made.assertions.append({"type": "jsonpath", "path": path, **bound})


def _is_either(option: str) -> str:
    """Test of a filter that a value is this, or the JSON value that it looks like."""
    typed, quoted = scalar(option), json.dumps(option, ensure_ascii=False)
    return f"@ == {quoted}" if isinstance(typed, str) else f"@ == {json.dumps(typed)} || @ == {quoted}"


def _is_pattern(pattern: str) -> str:
    return f"search(@, {json.dumps(expression_of(pattern).removeprefix('(?s)'), ensure_ascii=False)})"


def _differs(made: Expectations, condition: Condition) -> None:
    if condition.is_pattern or not last_name(condition.path) or condition.path.strip().endswith("]"):
        made.leave_out(condition.written, "what must not be there is looked for by a name and a plain value")
        return
    name = escaped(json.dumps(last_name(condition.path), ensure_ascii=False))
    values = "|".join(map(escaped, condition.options))
    pattern = rf'{name}\s*:\s*"?(?:{values})["\s,}}\]]'
    made.assertions.append({"type": "regex", "pattern": pattern, "absent": True})
    made.notes.append(f"{condition.written}: looked for in the text of the body, by the name alone")


def _whole_body(made: Expectations, condition: Condition) -> None:
    if condition.operator not in ("==", "!="):
        made.leave_out(condition.written, "a whole body has no order")
        return
    made.values += [] if condition.is_pattern or condition.operator == "!=" else condition.options
    absent = {"absent": True} if condition.operator == "!=" else {}
    inside = literal_inside(condition.value) if condition.is_pattern else None
    if inside is not None:
        made.assertions.append({"type": "body_contains", "text": inside, **absent})
        return
    if condition.is_pattern and condition.value == "*":
        return
    exact = rf"\A(?:{'|'.join(map(escaped, condition.options))})\s*\z"
    pattern = expression_of(condition.value) if condition.is_pattern else exact
    made.assertions.append({"type": "regex", "pattern": pattern, **absent})


_READERS = {
    "STATUS": _status, "RESPONSE_TIME": _response_time, "CERTIFICATE_EXPIRATION": _certificate,
    "DOMAIN_EXPIRATION": _domain, "CONNECTED": _connected, "DNS_RCODE": _rcode, "IP": _address, "BODY": _body,
}  # fmt: skip
