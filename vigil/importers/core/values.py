"""Tolerant reading of parsed values: what people write as a number, a text or a switch. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from vigil.importers.core.report import SourceError

DEPTH_MOST = 60
VALUES_MOST = 500_000
#: A reference to an environment variable within a draft; no text of a source keeps these two characters.
REFERENCE_START, REFERENCE_END = "\ufdd0", "\ufdd1"
_UNFIT = re.compile("[\x00\ufdd0-\ufdef\ud800-\udfff]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GO_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w|y)")
_UNITS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800,
    "y": 31_536_000,
}  # fmt: skip
_TRUE, _FALSE = {"true", "yes", "on", "1", "y", "t"}, {"false", "no", "off", "0", "n", "f", ""}


def plain(value: object) -> Any:
    """A parsed document as plain data: text keys, no characters unfit for text; raises `SourceError` past a bound."""
    return _plain(value, [VALUES_MOST], DEPTH_MOST)


def _plain(value: object, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise SourceError("the file holds more values, or deeper ones, than any configuration: nothing was read")
    if isinstance(value, Mapping):
        return {fit(str(key)): _plain(each, left, depth - 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, left, depth - 1) for each in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return fit(value.decode(errors="replace"))
    return fit(str(value))


def fit(text: str) -> str:
    """A text without NUL, halves of characters, and characters that mean nothing."""
    return _UNFIT.sub("", text)


def text(value: object) -> str:
    """A scalar as text; "" for nothing and for collections. A whole float is written without its point."""
    if value is None or isinstance(value, Mapping | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number(value: object) -> float | None:
    """A number, also out of a text; None if it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value) if isinstance(value, int | float) else float(str(value).strip().replace("_", ""))
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) < 1e15 else None


def whole(value: object) -> int | None:
    """A whole number, rounded down."""
    found = number(value)
    return None if found is None else int(found)


def truth(value: object, default: bool = False) -> bool:
    """A switch as YAML, JSON, SQLite and people write it."""
    if value is None:
        return default
    if isinstance(value, bool | int | float):
        return bool(value)
    written = str(value).strip().lower()
    return True if written in _TRUE else False if written in _FALSE else default


def entries(value: object) -> list[Any]:
    """A list; one value that is no list counts as its only element."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def mapping(value: object) -> dict[str, Any]:
    """A mapping, also as the only element of a list, which is how Terraform keeps a block; else empty."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> Iterator[dict[str, Any]]:
    """The mappings in a list, or in the values of a mapping."""
    for each in entries(list(value.values()) if isinstance(value, dict) else value):
        if isinstance(each, dict):
            yield each


def scalar(written: str) -> str | int | float | bool:
    """The JSON value that a text of a condition most likely stands for."""
    if written in ("true", "false"):
        return written == "true"
    found = number(written)
    if found is None or (written.startswith("0") and written not in ("0",) and not written.startswith("0.")):
        return written
    return int(found) if found.is_integer() and "." not in written else found


def snake(row: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with names like `retry_interval` in place of `retryInterval`."""
    return {_HUMP.sub("_", name).lower(): value for name, value in row.items()}


def from_json(value: object) -> Any:
    """JSON kept in a text column; a value that is parsed already is taken as it is. None if it is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        return plain(json.loads(value))
    except (ValueError, RecursionError):
        return None


def seconds(value: object, unit_s: float = 1) -> float | None:
    """A duration in seconds: `1m30s`, or a plain number of `unit_s` seconds each; None if it is none."""
    bare = number(value)
    if bare is not None:
        return bare * unit_s
    written = text(value).strip().replace(" ", "").lstrip("+")
    parts = list(_GO_DURATION.finditer(written))
    if not parts or "".join(part[0] for part in parts) != written or len(written) > 60:
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
