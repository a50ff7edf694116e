"""Operands of Gatus conditions: placeholder with its path and function, and the value it is compared with. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vigil.importers.core.values import number, seconds

_OPERATORS = (" == ", " != ", " <= ", " >= ", " > ", " < ")
_FLIPPED = {"==": "==", "!=": "!=", "<=": ">=", ">=": "<=", "<": ">", ">": "<"}
_PLACEHOLDER = re.compile(r"(?:(?P<function>len|has)\()?\s*\[(?P<name>[A-Z_]+)\](?P<path>[^)]*?)\s*\)?\Z", re.S)
_CALL = re.compile(r"(?P<function>pat|any)\((?P<inside>.*)\)\Z", re.S)
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_STEP = re.compile(r"\[(\d+)\]")
_GLOB = re.compile(r"\*|\?|\[[^\]]+\]|\\.|.", re.S)
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """`function` is len, has or ""; `path` follows the placeholder `name`; `options` are the values, any of which
    holds, each a pattern if `is_pattern`."""

    written: str
    function: str
    name: str
    path: str
    operator: str
    options: tuple[str, ...]
    is_pattern: bool = False

    @property
    def value(self) -> str:
        return self.options[0]


def parsed(written: str) -> Condition | None:
    """A condition with its placeholder on the left; None if Gatus has no such one."""
    operator = next((each for each in _OPERATORS if each in written), None)
    if operator is None:
        return None
    left, _, right = (part.strip() for part in written.partition(operator))
    sign, found = operator.strip(), _PLACEHOLDER.match(left)
    if found is None:
        left, right, sign = right, left, _FLIPPED[sign]
        found = _PLACEHOLDER.match(left)
    if found is None:
        return None
    call = _CALL.match(right)
    options: tuple[str, ...] = (right,)
    if call:
        inside = call["inside"]
        options = (inside,) if call["function"] == "pat" else tuple(each.strip() for each in inside.split(","))
    is_pattern = call is not None and call["function"] == "pat"
    return Condition(written, found["function"] or "", found["name"], found["path"], sign, options, is_pattern)


def milliseconds(value: str) -> float | None:
    """A number as Gatus compares it: a duration counts in milliseconds."""
    plain = number(value)
    if plain is not None:
        return plain
    length = seconds(value)
    return None if length is None else length * 1000


def expression_of(pattern: str) -> str:
    """RE2 for a glob of Gatus: `*`, `?`, classes and `\\`."""
    parts = [_as_expression(piece) for piece in _GLOB.findall(pattern)]
    start = r"\A" if not parts or parts[0] != ".*" else ""
    end = r"\z" if not parts or parts[-1] != ".*" else ""
    kept = parts[0 if start else 1 : None if end else -1]
    return "(?s)" + start + "".join(kept) + end


def _as_expression(piece: str) -> str:
    if piece in ("*", "?"):
        return {"*": ".*", "?": "."}[piece]
    if piece.startswith("[") and piece.endswith("]"):
        return piece
    return escaped(piece[1:] if piece.startswith("\\") and len(piece) > 1 else piece)


def literal_inside(pattern: str) -> str | None:
    """The text of a pattern like `*text*`; None if there is more to it."""
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "*" and not re.search(r"[*?\[\]\\]", pattern[1:-1]):
        return pattern[1:-1]
    return None


def escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def json_path(path: str) -> str:
    """RFC 9535 for the path of Gatus behind `[BODY]`, such as `.data[0].id`."""
    made = "$"
    for key in re.split(r"\.(?![^\[]*\])", path.strip().removeprefix(".")):
        if not key:
            continue
        name, steps = key.partition("[")[0], _STEP.findall(key)
        if name:
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            made += f".{name}" if _NAME.match(name) else f"['{quoted}']"
        made += "".join(f"[{step}]" for step in steps)
    return made


def parent_of(path: str) -> str:
    """RFC 9535 for what holds the value at a path."""
    made = json_path(path)
    return made[: made.rindex("[")] if made.endswith("]") else made.rpartition(".")[0] or "$"


def last_name(path: str) -> str:
    """The last name of a path: what a text of JSON has before the colon."""
    found = re.findall(r"[^.\[\]]+", re.sub(r"\[\d+\]", "", path))
    return found[-1] if found else ""
