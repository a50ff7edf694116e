"""One HTTP request read and one answer written over an asyncio stream, with every size and wait bounded."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: A client that says nothing holds its connection for at most this long.
READ_DEADLINE_S = 10.0
HEAD_LIMIT = 32 * 1024
BODY_LIMIT = 512 * 1024


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """What a client asked; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """What a server says; the connection closes after it."""

    code: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())

    def encode(self) -> bytes:
        """The answer as bytes for the socket."""
        try:
            phrase = http.HTTPStatus(self.code).phrase
        except ValueError:
            phrase = "Unassigned"
        lines = [f"HTTP/1.1 {self.code} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"Content-Length: {len(self.body)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def as_json(code: int, content: object, *headers: tuple[str, str]) -> ServedAnswer:
    """An answer whose body is `content` as JSON."""
    return ServedAnswer(code, json.dumps(content).encode(), headers=headers)


def as_text(code: int, content: str, *headers: tuple[str, str]) -> ServedAnswer:
    """An answer whose body is plain text."""
    return ServedAnswer(code, content.encode(), "text/plain; charset=utf-8", headers)


class BadRequest(Exception):
    """The client sent something that is no HTTP request within the limits."""


async def read_request(reader: asyncio.StreamReader) -> ServedRequest:
    """Read one request; raises BadRequest when it is malformed, too large, too slow, or the client left."""
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, headers = _parse_head(head)
            length = int(headers.get("content-length") or 0)
            if not 0 <= length <= BODY_LIMIT:
                raise BadRequest(f"body of {length} bytes")
            body = await reader.readexactly(length)
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError) as error:
        raise BadRequest(type(error).__name__) from error
    return ServedRequest(method, path, headers, body)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return method.upper(), urlsplit(target).path, headers


async def serve(port: int, respond: Callable[[ServedRequest], Awaitable[ServedAnswer]]) -> asyncio.Server:
    """Answer each request on 127.0.0.1:`port` with `respond`; raises OSError when the port is taken."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            writer.write((await respond(request)).encode())
            await writer.drain()
        except BadRequest as problem:
            writer.write(as_json(400, {"error": str(problem)}).encode())
        except ConnectionError:
            return
        finally:
            writer.close()

    return await asyncio.start_server(converse, "127.0.0.1", port, limit=HEAD_LIMIT)
