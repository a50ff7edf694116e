"""Text of strangers, made fit for PostgreSQL, JSON and a line of a log. Pure."""

from __future__ import annotations

import re
from unicodedata import category

_BREAKS = frozenset("\n\t")
#: redis-py puts a failed command of a pipeline before its error, and Redis an unknown command's arguments behind it.
_COMMAND = re.compile(r"(?<=Command # )(\d+) \((?:.*(?=\) of pipeline caused error)|.*)", re.DOTALL)
_UNKNOWN = re.compile(r"(?<=with args beginning with: ).*", re.DOTALL)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"]*@")
_SENTINEL_PASSWORD = re.compile(r"(?<=sentinel_password=)[^&\s'\"]*")


def without_credentials(text: str) -> str:
    """The text with `user:password@` of any URL in it replaced by `***@`, and the password of Sentinels by `***`."""
    return _SENTINEL_PASSWORD.sub("***", _CREDENTIALS.sub("***@", text)) if "://" in text else text


def without_arguments(text: str) -> str:
    """The text of an error of Redis without the arguments of the command that failed: they were to be stored."""
    if "Command # " in text:
        text = _COMMAND.sub(r"\1 (***", text)
    return _UNKNOWN.sub("***", text) if "with args beginning" in text else text


def storable(text: str, limit: int, *, breaks: bool = False) -> str:
    """The first `limit` characters without NUL, halves of characters, and whatever else is of Unicode's category C.

    Line feeds and tabs stay where `breaks` is set.
    """
    text = text[:limit]
    if text.isprintable():
        return text
    return "".join(c for c in text if category(c)[0] != "C" or (breaks and c in _BREAKS))
