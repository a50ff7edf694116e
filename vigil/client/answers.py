"""Reading of the API's answers, and the decision whether a call is sent again (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

AnswerT = TypeVar("AnswerT")
#: A longer answer is not read: no document of the API comes near.
MAX_BYTES = 32 * 1024 * 1024
#: Times that one call is sent at most, and the longest wait between two (s).
MOST_TRIES, LONGEST_WAIT_S = 4, 30.0
_AGAIN = frozenset({429, 502, 503, 504})
_NO_CONTENT = 204


class Unreachable(Exception):
    """No answer came; the message names the address and what went wrong."""


class ApiError(Exception):
    """A refusal by the API: its status, a `code` for programs, and each field with what is wrong with it."""

    def __init__(self, status: int, problem: Problem) -> None:
        self.status = status
        self.problem = problem
        fields = "; ".join(
            f"{fault.field}: {fault.reason}" if fault.field else fault.reason for fault in problem.errors
        )
        super().__init__(fields or problem.detail or problem.title or f"The server answered {status}.")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    reason: str = ""
    field: str = ""
    code: str = ""


class Problem(msgspec.Struct, frozen=True):
    """Body of a refusal (RFC 9457)."""

    title: str = ""
    detail: str = ""
    code: str = ""
    request_id: str = ""
    errors: list[Fault] = []


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read in full. The names of `headers` are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def read(answer: Answer, wanted: type[AnswerT]) -> AnswerT:
    """The document of an answer; raises `ApiError` for a refusal and for what is no answer of Vigil."""
    if answer.status >= 300:
        raise ApiError(answer.status, _problem(answer))
    if answer.status == _NO_CONTENT or not answer.body:
        return msgspec.convert(None, wanted)
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise ApiError(answer.status, Problem(f"This is no answer of Vigil: {unreadable}")) from None


def _problem(answer: Answer) -> Problem:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem(f"The server answered {answer.status} without saying why. Is this the address of Vigil?")


def wait_before_again(answer: Answer | None, tries: int) -> float | None:
    """Seconds until a call is sent again, or None for not again; `answer` is None where no answer came."""
    if tries >= MOST_TRIES or (answer is not None and answer.status not in _AGAIN):
        return None
    asked = answer.headers.get("retry-after", "") if answer else ""
    wanted = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0.5 * 2**tries
    return wanted if wanted <= LONGEST_WAIT_S else None


def query_of(query: Mapping[str, Any]) -> list[tuple[str, str | int | float | bool | None]]:
    """A query's parameters as text: true and false in small letters, each value of a list by itself."""
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, values in query.items()
        for value in (values if isinstance(values, list | tuple) else [values])
    ]
