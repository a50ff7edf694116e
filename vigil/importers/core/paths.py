"""JSON paths of other tools as RFC 9535: JSONata of Uptime Kuma, where it only selects; dotted and JSONPath. Pure."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_STEP = re.compile(
    r"\.?(?:(?P<name>[A-Za-z_]\w*)|`(?P<quoted>[^`]+)`|\"(?P<text>[^\"]+)\"|\[\s*(?P<index>-?\d+)\s*\]"
    r"|\[\s*['\"](?P<key>[^'\"]+)['\"]\s*\]|(?P<all>\[\*\]|\*))",
    re.ASCII,
)


class BadExpression(ValueError):
    """An expression that does more than select; one line for people."""


def of_jsonata(expression: str) -> str:
    """RFC 9535 for an expression that only selects; raises `BadExpression`."""
    return _steps(expression, "its JSON query is an expression of JSONata that does more than select a value: write an"
                  " assertion `jsonpath` by hand")  # fmt: skip


def of_dotted(expression: str) -> str:
    """RFC 9535 for `$.a.b[0]`, `a.b` or `a['b']`; raises `BadExpression`."""
    return _steps(expression, f"{expression[:60]!r} is no path to one value: write an assertion `jsonpath` by hand")


def _steps(expression: str, problem: str) -> str:
    rest = expression.strip()
    if rest in ("", "$"):
        return "$"
    rest = rest[2:] if rest.startswith("$.") else rest[1:] if rest.startswith("$[") else rest
    made, place = "$", 0
    while place < len(rest):
        found = _STEP.match(rest, place)
        if found is None or (place and found[0][0] not in ".["):
            raise BadExpression(problem)
        made += _as_step(found)
        place = found.end()
    return made


def _as_step(found: re.Match[str]) -> str:
    if found["all"]:
        return "[*]"
    if found["index"]:
        return f"[{found['index']}]"
    name = found["name"] or found["quoted"] or found["text"] or found["key"]
    if _NAME.fullmatch(name):
        return f".{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"
