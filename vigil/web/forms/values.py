"""Values of settings as texts of a form, and back. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from vigil.web.forms.controls import Control, SettingControl

#: Longest text of one control, and lines of a list.
TEXT_MOST, LINES_MOST = 131_072, 500


class UnreadableValue(ValueError):
    """A text that is no value of its setting; its words are for people."""


def as_text(setting: SettingControl, value: Any) -> str:
    """A stored value as its control shows it."""
    if value is None or value is msgspec.UNSET:
        return "null" if value is None and setting.control is Control.SCALAR else ""
    match setting.control:
        case Control.SWITCH:
            return "on" if value else ""
        case Control.LINES:
            return "\n".join(str(one) for one in value)
        case Control.PAIRS:
            return "\n".join(f"{name}: {text}" for name, text in value)
        case Control.SCALAR:
            return _scalar_text(value)
        case Control.WHOLE | Control.DECIMAL:
            return json.dumps(value)
    return str(value)


def read_text(setting: SettingControl, text: str) -> Any:
    """The value that a sent text means; UNSET for none. Raises `UnreadableValue`."""
    if len(text) > TEXT_MOST:
        raise UnreadableValue(f"At most {TEXT_MOST:,} characters.")
    text = text.replace("\r\n", "\n")
    if setting.control is Control.SWITCH:
        return bool(text)
    if setting.control is Control.LINES:
        return _lines(text)
    if setting.control is Control.PAIRS:
        return [_pair(line) for line in _lines(text)]
    if not text.strip() and setting.control is not Control.LONG_TEXT:
        return _nothing(setting)
    return _one_value(setting, text)


def _one_value(setting: SettingControl, text: str) -> Any:
    match setting.control:
        case Control.WHOLE:
            return _whole(text)
        case Control.DECIMAL:
            return _decimal(text)
        case Control.SCALAR:
            return _scalar(text.strip())
        case Control.CHOICE:
            if text not in setting.choices:
                raise UnreadableValue(f"Choose one of {', '.join(filter(None, setting.choices))}.")
            return text
        case Control.LONG_TEXT:
            return text
    return text.strip()


def _nothing(setting: SettingControl) -> Any:
    if setting.required:
        raise UnreadableValue("This is needed.")
    if setting.control is Control.TEXT and setting.default not in (None, msgspec.UNSET):
        return ""
    return setting.default


def _lines(text: str) -> list[str]:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > LINES_MOST:
        raise UnreadableValue(f"At most {LINES_MOST} lines.")
    return lines


def _pair(line: str) -> list[str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise UnreadableValue("Write one a line, as in Accept: application/json.")
    return [name.strip(), value.removeprefix(" ")]


def _whole(text: str) -> int:
    try:
        return int(text.strip()) if len(text) <= 20 else _refuse_number()
    except ValueError:
        raise UnreadableValue("A whole number, such as 30.") from None


def _refuse_number() -> int:
    raise UnreadableValue("This number is too large.")


def _decimal(text: str) -> float | int:
    try:
        value = float(text.strip())
    except ValueError:
        raise UnreadableValue("A number, such as 0.95.") from None
    if not math.isfinite(value):
        raise UnreadableValue("A number, such as 0.95.")
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, dict | list) or (isinstance(value, float) and not math.isfinite(value)) else value


def _scalar_text(value: Any) -> str:
    """A text stands as it is, unless it would be read as something else."""
    if isinstance(value, str) and value.strip() == value and value and _scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
