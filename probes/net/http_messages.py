"""HTTP requests and responses as values, with their size limits and encoding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from probes.net.targets import Target
from probes.net.tls.options import Certificate, TlsOptions

#: As curl: a large header is no failure that a user would see.
HEADERS_LIMIT = 5_000
HEADER_BYTES_LIMIT = 307_200
BODY_LIMIT = 65_536
#: No spec may ask for more (bytes).
BODY_LIMIT_MOST = 1_048_576

#: How long an endless stream is read for what the monitor looks for (s).
STREAM_READ_S = 2.0
#: An endless body is judged again when it has grown by this part, so that single bytes cost no look each.
STREAM_GROWTH = 1.25

Header = tuple[str, str]


class Flaw(NamedTuple):
    """A fault of form in an answer that clients read all the same; `disputed` when either curl or browsers do not."""

    words: str
    disputed: bool = False


class Sift(NamedTuple):
    """What is kept of a body beyond its limit: `keep` takes lines, the last of which may go on, and leaves out some.

    `most` bytes of the answer are read.
    """

    keep: Callable[[bytes], bytes]
    most: int


DEFAULT_TLS = TlsOptions()


@dataclass(frozen=True, slots=True)
class Request:
    """What to send; `connection` is the header of that name.

    `enough` tells of the body of an endless stream so far whether it can be judged, for `stream_s` at most, and again
    when it has grown by `growth`; without it the head is enough. A body beyond its limit is cut, or goes through `sift`
    (HTTP/1.1 without a coding).

    `server_name` is what TLS asks for and verifies, where that is not the target's own host.
    """

    target: Target
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    tls: TlsOptions = DEFAULT_TLS
    server_name: str = ""
    body_limit: int = BODY_LIMIT
    connection: str = "close"
    enough: Callable[[bytes | bytearray], bool] | None = None
    stream_s: float = STREAM_READ_S
    growth: float = STREAM_GROWTH
    sift: Sift | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are lower case; `truncated` when the body went on beyond the limit.

    `fault` is what ended the body early; code and headers hold all the same. `certificate` is the server's own, and
    `soonest` the one that expires first on the path that verifies. `stream` when the body has no end and was not
    waited for. `undecoded` names a coding that the body is still in.
    """

    code: int
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool
    certificate: Certificate | None = None
    tls: str = ""
    fault: Exception | None = None
    flaws: tuple[Flaw, ...] = ()
    stream: bool = False
    undecoded: str = ""
    soonest: Certificate | None = None

    def header(self, name: str) -> str | None:
        """The value of the first header with that (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def head_of(request: Request) -> bytes:
    """The request line and headers. The caller's own Host, User-Agent, Accept and Accept-Encoding replace ours."""
    given = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {request.target.path} HTTP/1.1\r\n"]
    if "host" not in given:
        lines.append(f"Host: {request.target.authority}\r\n")
    if "user-agent" not in given:
        lines.append("User-Agent: vigil\r\n")
    if "accept" not in given:
        lines.append("Accept: */*\r\n")
    if "accept-encoding" not in given:
        lines.append("Accept-Encoding: identity\r\n")
    lines.extend(f"{name}: {value}\r\n" for name, value in request.headers)
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(request.body)}\r\n")
    lines.append(f"Connection: {request.connection}\r\n\r\n")
    return "".join(lines).encode("utf-8")
