"""Admission of text and JSON from outside: what PostgreSQL and UTF-8 can hold, within bounds. Pure."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from unicodedata import category

#: Deepest nesting of lists and objects.
DEPTH_MOST = 64
#: Range of numbers: what 64 bits hold.
_NUMBERS = -(2**63), 2**63 - 1
#: Bidirectional overrides, embeddings and isolates: they show a name in another order than it has (Trojan Source).
_REORDERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Controls, halves of characters, and separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})


class InputProblem(ValueError):
    """Input that cannot be stored; the message is one sentence for people and does not quote the input.

    `field` is the name in the outermost object under which it is, where there is one.
    """

    field = ""


class NotJson(InputProblem):
    """Text that is no JSON document at all."""


def check_text(text: str) -> None:
    """Refuse NUL (PostgreSQL cannot store it) and lone surrogates (UTF-8 cannot); raises `InputProblem`."""
    if "\0" in text:
        raise InputProblem("It holds a zero byte (NUL), which no text here may hold.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputProblem("It holds half a character (a lone surrogate), which is not text.") from None


def is_visible_line(text: str) -> bool:
    """Whether it is one line of text without controls and overrides, of which something can be seen."""
    if text.isascii():
        return text.isprintable()
    odd = any(character in _REORDERS or category(character) in _UNSEEN for character in text)
    return not odd and any(category(character)[0] not in "CZ" for character in text)


def read_json(text: str | bytes) -> Any:
    """A JSON document in UTF-8 whose texts and numbers can be stored; raises `InputProblem`."""
    try:
        plain = text.decode() if isinstance(text, bytes) else text
        found = json.loads(plain, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except InputProblem:
        raise
    except RecursionError:
        raise InputProblem(f"It is nested more than {DEPTH_MOST} levels deep.") from None
    except UnicodeDecodeError:
        raise InputProblem("It is not UTF-8.") from None
    except ValueError as problem:
        raise NotJson(f"It is not JSON: {getattr(problem, 'msg', 'a number is too long')}.") from None
    if not isinstance(found, dict):
        check_json(found)
        return found
    for name, value in found.items():
        check_text(name)
        try:
            check_json(value, 2)
        except InputProblem as problem:
            problem.field = name
            raise
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Programs differ in which of the two they take.
        raise InputProblem("It names a field twice in one object.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise InputProblem("It holds NaN or Infinity, which are not JSON numbers.")


def check_json(found: Any, depth: int = 1) -> None:
    """Refuse a document that was read elsewhere, of which a text or number cannot be stored; raises `InputProblem`."""
    # A list of what is left, rather than recursion: the depth is a stranger's.
    left: list[tuple[Any, int]] = [(found, depth)]
    while left:
        value, depth = left.pop()
        if isinstance(value, str):
            check_text(value)
        elif isinstance(value, int | float) and not _NUMBERS[0] <= value <= _NUMBERS[1]:
            raise InputProblem("It holds a number that is too large.")
        elif isinstance(value, dict | list):
            if depth > DEPTH_MOST:
                raise InputProblem(f"It is nested more than {DEPTH_MOST} levels deep.")
            if isinstance(value, dict):
                left.extend((name, depth) for name in value)
                value = list(value.values())
            left.extend((part, depth + 1) for part in value)
