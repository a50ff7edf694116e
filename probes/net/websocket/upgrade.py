"""Answer to a WebSocket upgrade: its head, and what a client must demand of it (RFC 6455, section 4.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wsproto.utilities import generate_accept_token

from probes.net.http_messages import HEADERS_LIMIT, Header

#: The end of a head, also of one whose lines end by a line feed alone.
END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/(1\.[01]) ([1-5][0-9]{2})(?: .*)?\Z")


class NoHead(ValueError):
    """The bytes are no head of an HTTP answer."""


class LongHead(ValueError):
    """The head has more lines than an honest one."""


@dataclass(frozen=True, slots=True)
class UpgradeAnswer:
    """Version, status code and headers (names in lower case) of the answer."""

    version: str
    code: int
    headers: Sequence[Header]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def read(head: bytes) -> UpgradeAnswer:
    """The head of an answer, up to its empty line. Raises NoHead and LongHead."""
    first, *lines = head.decode("latin-1").strip("\r\n").split("\n")
    status = _STATUS_LINE.match(first.rstrip("\r"))
    if status is None:
        raise NoHead("not HTTP: the answer to the upgrade has no status line")
    if len(lines) > HEADERS_LIMIT:
        raise LongHead(f"more than {HEADERS_LIMIT} headers")
    headers: list[Header] = []
    for line in lines:
        name, _, value = line.partition(":")
        if line[:1] in (" ", "\t") and headers:
            headers[-1] = headers[-1][0], f"{headers[-1][1]} {line.strip()}"
        else:
            headers.append((name.strip().lower(), value.strip()))
    return UpgradeAnswer(status[1], int(status[2]), headers)


def problem(answer: UpgradeAnswer, key: bytes, subprotocol: str) -> str | None:
    """What a client must refuse in an answer of 101 to the nonce `key`; None when the connection is a WebSocket."""
    if answer.version != "1.1":
        return f"by HTTP/{answer.version}, which knows no upgrade"
    if "websocket" not in _tokens(answer, "upgrade"):
        return "without `Upgrade: websocket`"
    if "upgrade" not in _tokens(answer, "connection"):
        return "without `Connection: Upgrade`"
    signs = answer.values("sec-websocket-accept")
    if signs != [generate_accept_token(key).decode()]:
        return "with a wrong Sec-WebSocket-Accept" if signs else "without Sec-WebSocket-Accept"
    if any(answer.values("sec-websocket-extensions")):
        return "with an extension that was not offered (Sec-WebSocket-Extensions)"
    return _wrong_subprotocol(answer.values("sec-websocket-protocol"), subprotocol)


def _wrong_subprotocol(chosen: list[str], asked: str) -> str | None:
    """A browser fails where the server chooses another one, more than one, or none although one was asked for."""
    if not chosen and asked:
        return f"but the server chose no subprotocol; asked for {asked}"
    if chosen and not asked:
        return "with a subprotocol that was not asked for"
    if chosen not in ([], [asked]):
        return f"with another subprotocol than {asked}"
    return None


def _tokens(answer: UpgradeAnswer, name: str) -> set[str]:
    return {token.strip().lower() for value in answer.values(name) for token in value.split(",")}
