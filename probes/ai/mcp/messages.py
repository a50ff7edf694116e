"""Messages of MCP: what is asked, and the answer as JSON or as a stream of events. Pure.

Source: "Base Protocol" and "Transports" of the specification. A server may answer any request with `application/json`
or `text/event-stream`; in a stream, the message with our id is the answer, and others are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

MODERN = "2026-07-28"
#: Revisions with a handshake and sessions, newest first.
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
CLIENT_NAME, CLIENT_VERSION = "vigil", "1"

_META = "io.modelcontextprotocol/"
#: In 2026-07-28, methods whose subject is named in a header.
_NAMED = {"tools/call": "name"}
#: Ends of an event: the end of its last line, and an empty one.
_ENDS = (b"\n\n", b"\r\n\r\n", b"\n\r\n", b"\r\r")
_END_MOST = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to make. `id` names the JSON-RPC answer that is waited for, empty where none comes.

    `url` is another address than the endpoint's own, empty for that one; nothing secret goes there.
    """

    method: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an `Ask`: HTTP code and headers (names in lower case), and the JSON-RPC message with its id."""

    code: int
    headers: Sequence[tuple[str, str]] = ()
    message: Mapping[str, Any] | None = None
    body: bytes = b""
    truncated: bool = False

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def challenges(self) -> str:
        """Every `WWW-Authenticate` header: a server may offer other schemes in one before."""
        return ", ".join(value for key, value in self.headers if key == "www-authenticate")

    @property
    def result(self) -> Mapping[str, Any] | None:
        """The result of a JSON-RPC answer; None for an error, and for no answer at all."""
        found = self.message.get("result") if self.message is not None else None
        return found if isinstance(found, dict) else None

    @property
    def error_code(self) -> int | None:
        """The code of a JSON-RPC error."""
        error = self.message.get("error") if self.message is not None else None
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    @property
    def error_content(self) -> Mapping[str, Any]:
        """What a JSON-RPC error says besides its code."""
        error = self.message.get("error") if self.message is not None else None
        content = error.get("data") if isinstance(error, dict) else None
        return content if isinstance(content, dict) else {}


def modern(method: str, ask_id: str, params: Mapping[str, Any] | None = None) -> Ask:
    """A request of the stateless protocol: the version stands in the headers and in the body, and must be the same."""
    meta = {
        f"{_META}protocolVersion": MODERN,
        f"{_META}clientInfo": {"name": CLIENT_NAME, "version": CLIENT_VERSION},
        f"{_META}clientCapabilities": {},
    }
    headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)]
    if method in _NAMED and params is not None:
        headers.append(("Mcp-Name", str(params[_NAMED[method]])))
    return _post(method, ask_id, {**(params or {}), "_meta": meta}, headers)


def initialize(version: str, ask_id: str) -> Ask:
    """The first request of the protocol with a handshake."""
    params = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": CLIENT_NAME, "version": CLIENT_VERSION},
    }
    return _post("initialize", ask_id, params, [])


def legacy(method: str, ask_id: str, session: Session, params: Mapping[str, Any] | None = None) -> Ask:
    """A later request, or a notification where `ask_id` is empty."""
    return _post(method, ask_id, params, session.headers())


@dataclass(frozen=True, slots=True)
class Session:
    """What a handshake agreed on: the version, and the session's id where the server gave one."""

    version: str
    id: str = ""

    def headers(self) -> list[tuple[str, str]]:
        found = [("Mcp-Session-Id", self.id)] if self.id else []
        # Not defined before 2025-06-18, where servers pass over it.
        return found if self.version < "2025-06-18" else [*found, ("MCP-Protocol-Version", self.version)]


def end_of(session: Session) -> Ask:
    """The request that ends a session; a server may refuse it with 405."""
    return Ask("DELETE", headers=tuple(session.headers()))


def _post(method: str, ask_id: str, params: Mapping[str, Any] | None, headers: Sequence[tuple[str, str]]) -> Ask:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if ask_id:
        message["id"] = ask_id
    if params is not None:
        message["params"] = params
    accepted = ("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")
    return Ask("POST", msgspec.json.encode(message), (*accepted, *headers), ask_id)


def message_in(body: bytes, content_type: str, ask_id: str) -> Mapping[str, Any] | None:
    """The JSON-RPC answer with this id in a body of either type; None where it is not there, or not yet.

    An error without an id counts in JSON: a server that cannot read a request does not know its id.
    """
    if content_type.partition(";")[0].strip().lower() == "text/event-stream":
        return next((found for _, text in events(body) if (found := _answer(text, ask_id, False))), None)
    return _answer(body, ask_id, True)


def events(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each complete event of a stream (WHATWG HTML, 9.2.6); comments are no events."""
    name, content = "", list[bytes]()
    # Of bytes, and unlike of text, this knows the three ends of a line that a stream has; the last line may grow yet.
    lines = body.splitlines()
    for line in lines if body.endswith((b"\n", b"\r")) else lines[:-1]:
        if not line:
            if content:
                yield name, b"\n".join(content)
                content = []
            name = ""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            content.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")[:40]


class GrowingStream:
    """Events of a stream of which ever more is known: each is read once, however small the pieces are."""

    __slots__ = ("_read", "_searched")

    def __init__(self) -> None:
        self._read = self._searched = 0

    def events(self, body: bytes | bytearray) -> list[tuple[str, bytes]]:
        """The events that are complete now and were not before; `body` is the stream from its beginning."""
        # An end may begin in what was searched before.
        start = max(0, self._read - 1, self._searched - _END_MOST)
        self._searched = len(body)
        ends = [place + len(mark) for mark in _ENDS if (place := body.rfind(mark, start)) >= 0]
        end = max(ends, default=0)
        if end <= self._read:
            return []
        part, self._read = bytes(body[self._read : end]), end
        return list(events(part))

    def answer(self, body: bytes | bytearray, ask_id: str) -> Mapping[str, Any] | None:
        """The JSON-RPC answer with this id, if it is among the new events."""
        return next((found for _, text in self.events(body) if (found := _answer(text, ask_id, False))), None)


def _answer(text: bytes, ask_id: str, is_alone: bool) -> Mapping[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    # 2025-03-26 knew batches.
    candidates = found if isinstance(found, list) else [found]
    for each in candidates[:100]:
        if not isinstance(each, dict) or not ("result" in each or "error" in each):
            continue
        unnamed = is_alone and each.get("id") is None and each.get("jsonrpc") == "2.0" and "error" in each
        if each.get("id") == ask_id or unnamed:
            return each
    return None
