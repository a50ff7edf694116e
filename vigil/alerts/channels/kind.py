"""What a kind of channel is: its settings, and two functions, one that words and one that sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from vigil.alerts.alert import Alert
from vigil.alerts.policy import Fate, fate_of, parse_retry_after

ConfigT = TypeVar("ConfigT")
PayloadT = TypeVar("PayloadT")

#: Longest piece of a receiver's answer that is kept, in characters.
ANSWER_LIMIT = 200


class SettingsError(Exception):
    """A channel's settings cannot be used: `field` says which, `problem` is one line for people."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class ChannelError(Exception):
    """A message was not accepted. `permanent` means that no later attempt can succeed.

    The message is one line without secrets; `retry_after_s` is the receiver's wish, if it said one.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receiver took the message; `answer` is its own short word for that."""

    answer: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, cut to what is needed. Header names are lower case."""

    code: int
    headers: Mapping[str, str]
    text: str = ""


class Outbound(Protocol):
    """The way out: HTTP with a deadline, to addresses that have been checked."""

    def now(self) -> float:
        """Seconds since the Unix epoch, for signatures: receivers refuse those that are minutes old."""
        ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one POST; raises `ChannelError` when nothing answers or the address is refused."""
        ...


@dataclass(frozen=True)
class Kind(Generic[ConfigT, PayloadT]):
    """One kind of channel. `secrets` maps each secret's name to whether it must be there.

    `render` is pure. `send` returns what the receiver said or raises `ChannelError` and nothing else.
    """

    config: type[ConfigT]
    secrets: Mapping[str, bool]
    check: Callable[[ConfigT, Mapping[str, str]], None]
    render: Callable[[Alert, ConfigT], PayloadT]
    send: Callable[[Outbound, ConfigT, Mapping[str, str], PayloadT], Awaitable[Accepted]]


def judged(answer: Answer, receiver: str) -> Accepted:
    """Turn an HTTP answer into acceptance, or into the `ChannelError` it stands for."""
    fate = fate_of(answer.code)
    if fate is Fate.ACCEPTED:
        return Accepted(str(answer.code))
    raise ChannelError(
        f"{receiver} answered {answer.code}",
        permanent=fate is Fate.PERMANENT,
        retry_after_s=parse_retry_after(answer.headers.get("retry-after")),
    )


def check_url(field: str, url: str, schemes: frozenset[str] = frozenset({"http", "https"})) -> None:
    """Refuse what is no plain web address; raises `SettingsError`."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        raise SettingsError(field, "This is no web address.") from None
    if parts.scheme not in schemes or not host or len(url) > 2000 or any(ord(char) <= 32 for char in url):
        raise SettingsError(field, f"Must be a web address starting with {' or '.join(sorted(schemes))}://.")
    if user is not None:
        raise SettingsError(field, "An address must not hold a user name or password.")
