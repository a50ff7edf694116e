"""Channel interface: settings, a pure `render` and an asynchronous `send`."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from vigil.alerts.core.pacing import UNPACED, Pace
from vigil.alerts.core.retry import AnswerClass, class_of, parse_retry_after
from vigil.alerts.wording.message import Message

ConfigT = TypeVar("ConfigT")
PayloadT = TypeVar("PayloadT")

#: Longest part of a receiver's answer that is stored, in characters.
ANSWER_LIMIT = 200
ERROR_LIMIT = 300
_REFERENCE = re.compile(r"[\x21-\x7e]{1,120}")
JSON_HEADERS = {"content-type": "application/json"}


class ChannelSettingsError(Exception):
    """Unusable settings of a channel: `field` names the setting, `problem` is one line for people."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class ChannelError(Exception):
    """A message that the receiver did not accept. `permanent`: no retry can succeed.

    The message is one line without secrets; `retry_after_s` is the wait that the receiver asks for. Both may hold a
    receiver's words, so both are made storable here.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(tidy(message, ERROR_LIMIT))
        self.permanent = permanent
        self.retry_after_s = None if retry_after_s is None else seconds(retry_after_s)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Acceptance: `answer` is the receiver's answer, `reference` its id of the message. Both are made storable here.

    `settings` are settings of the channel that the receiver has replaced, to be remembered. `missed` is who of several
    recipients did not get it, and why; empty if all did.
    """

    answer: str = ""
    reference: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    missed: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", tidy(self.answer))
        object.__setattr__(self, "missed", tidy(self.missed))
        object.__setattr__(self, "reference", self.reference if _REFERENCE.fullmatch(self.reference) else "")


@dataclass(frozen=True, slots=True)
class ReceiverAnswer:
    """An HTTP response, truncated. Header names are lower case."""

    code: int
    headers: Mapping[str, str]
    text: str = ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is not one."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class ReceiverCall:
    """One HTTP request to a receiver."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    method: str = "POST"


class Outbound(Protocol):
    """HTTP client with a deadline; checks addresses before it connects."""

    def now(self) -> float:
        """Seconds since the Unix epoch, for signatures: receivers refuse a skew of minutes."""
        ...

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        """Send one request; raises `ChannelError` when there is no response or the address is refused."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a kind: whether it is required, its description for people, and whether Vigil makes one itself."""

    needed: bool
    words: str
    generated: bool = False


def _unpaced(config: Any) -> Pace:
    return UNPACED


@dataclass(frozen=True)
class Kind(Generic[ConfigT, PayloadT]):
    """One kind of channel. `words` describes it and where its settings come from, in a line or two.

    `render` is pure. `send` returns the acceptance or raises `ChannelError`, nothing else. A digest lists at most
    `names_most` incidents. `keeps_alerts`: the receiver keeps an alert open under its key until it is resolved.
    `takes_notices`: it is false where every message calls a person. `renew_s`: the receiver forgets an open alert,
    which is sent again after so many seconds; such messages are never grouped. `together_most`: so many messages are
    one request; their payloads are tuples, which are joined.
    """

    name: str
    words: str
    config: type[ConfigT]
    secrets: Mapping[str, Secret]
    check: Callable[[ConfigT, Mapping[str, str]], None]
    render: Callable[[Message, ConfigT], PayloadT]
    send: Callable[[Outbound, ConfigT, Mapping[str, str], PayloadT], Awaitable[Accepted]]
    pace: Callable[[ConfigT], Pace] = _unpaced
    names_most: int = 1000
    keeps_alerts: bool = False
    takes_notices: bool = True
    renew_s: float = 0.0
    together_most: int = 1


def judged(answer: ReceiverAnswer, receiver: str, said: str = "") -> Accepted:
    """Turn an HTTP response into acceptance, or raise `ChannelError`.

    `said` comes from a documented field: a whole body is never shown, since it may be an intranet page.
    """
    answer_class = class_of(answer.code)
    words = f": {tidy(said)}" if said else ""
    if answer_class is AnswerClass.ACCEPTED:
        return Accepted(f"{answer.code}{words}")
    raise ChannelError(
        f"{receiver} answered {answer.code}{words}",
        permanent=answer_class is AnswerClass.PERMANENT,
        retry_after_s=parse_retry_after(answer.headers.get("retry-after"), answer.headers.get("date")),
    )


def tidy(said: object, limit: int = ANSWER_LIMIT) -> str:
    """A receiver's word as one short printable line."""
    words = str(said)[: limit * 4]
    return " ".join("".join(char if char.isprintable() else " " for char in words).split())[:limit]


def seconds(value: object) -> float | None:
    """A wish to wait, from a receiver: a sensible number of seconds, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1_000_000_000:
        return None
    return float(value)


def as_body(document: object) -> bytes:
    """Encode as compact JSON."""
    return msgspec.json.encode(document)


def check_url(field: str, url: str, schemes: frozenset[str] = frozenset({"http", "https"})) -> None:
    """Require a plain web address; raises `ChannelSettingsError`."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        raise ChannelSettingsError(field, "This is not a web address.") from None
    if parts.scheme not in schemes or not host or len(url) > 2000 or any(ord(char) <= 32 for char in url):
        raise ChannelSettingsError(field, f"Must be a web address starting with {' or '.join(sorted(schemes))}://.")
    if user is not None:
        raise ChannelSettingsError(field, "An address must not hold a user name or password.")
