"""HTTP requests and responses as values, with their size limits, encoding and decompression."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from probes.net.targets import Target
from probes.net.tls_options import Certificate, TlsOptions

HEADERS_LIMIT = 100
HEADER_BYTES_LIMIT = 65_536
BODY_LIMIT = 65_536
#: No spec may ask for more (bytes).
BODY_LIMIT_MOST = 1_048_576

Header = tuple[str, str]
DEFAULT_TLS = TlsOptions()


@dataclass(frozen=True, slots=True)
class Request:
    """What to send; `connection` is the header of that name.

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


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are lower case; `truncated` when the body went on beyond the limit.

    `fault` is what ended the body early; code and headers hold all the same.
    """

    code: int
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool
    certificate: Certificate | None = None
    tls: str = ""
    fault: Exception | None = None

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


def decompressed(body: bytes, headers: tuple[Header, ...], limit: int) -> tuple[bytes, bool]:
    """The body after gzip or deflate, at most `limit` bytes, and whether the limit cut it. Raises zlib.error."""
    coding = next((value.strip().lower() for key, value in headers if key == "content-encoding"), "identity")
    if not body or coding not in {"gzip", "x-gzip", "deflate"}:
        return body, False
    # 47 detects gzip or zlib; some servers send deflate without either wrapper.
    bare = coding == "deflate" and body[0] & 0x0F != 8
    inflater = zlib.decompressobj(-15 if bare else 47)
    plain = inflater.decompress(body, limit)
    return plain, bool(inflater.unconsumed_tail)
