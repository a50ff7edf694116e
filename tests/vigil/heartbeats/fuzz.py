"""What strangers send: HTTP and SMTP that is right, nearly right, and nothing of the kind, many at once, by a seed."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable

Made = Callable[[random.Random], bytes]

_METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"GE T", b"", b"PRI", b"\xff")
_HEADERS = (
    b"Host: x", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 5\r\nContent-Length: 6",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, gzip", b"Connection: close", b"Connection: upgrade",
    b"Upgrade: websocket", b"Expect: 100-continue", b"User-Agent: \xff\xfe\xed\xa0\xbd", b"X: \0", b"\0: x", b": x",
    b" folded", b"X" * 3_000 + b": y", b"Content-Length: 99999999999999999999", b"Cookie: \x80=\xed\xa0\xbd",
)  # fmt: skip
_BODIES = (
    b"",
    b"hello",
    b'{"error":"\\ud83d"}',
    b"5\r\nhello\r\n0\r\n\r\n",
    b"fffffffff\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"\0" * 9,
)


def http(paths: list[bytes]) -> Made:
    """Makes requests for these paths, each a little wrong in some way, or none."""

    def made(by: random.Random) -> bytes:
        kind = by.randrange(6)
        if kind == 0:
            return by.randbytes(by.randrange(1, 60))
        if kind == 1:
            return b"\r\n" * by.randrange(1, 9)
        if kind == 2:
            return b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % by.choice(paths)
        head = [b"%s %s HTTP/1.%d" % (by.choice(_METHODS), by.choice(paths), by.choice((0, 1, 1, 1, 7)))]
        head += by.sample(_HEADERS, by.randrange(4))
        said = b"\r\n".join(head) + b"\r\n\r\n" + by.choice(_BODIES)
        if kind == 3:
            at = by.randrange(len(said))
            said = said[:at] + by.randbytes(1) + said[at + 1 :]
        return said

    return made


def smtp(recipients: list[bytes]) -> Made:
    """Makes lines of SMTP, and mails, in no sensible order."""

    def made(by: random.Random) -> bytes:
        to = by.choice(recipients)
        return by.choice(
            (
                b"EHLO x\r\n", b"HELO\r\n", b"MAIL FROM:<a@b.test>\r\n", b"MAIL FROM:<\xff>\r\n", b"RSET\r\n",
                b"RCPT TO:<" + to + b">\r\n", b"RCPT TO:" + to + b"\r\n", b"DATA\r\n", b".\r\n", b"NOOP\r\n",
                b"VRFY x\r\n", b"AUTH PLAIN AAAA\r\n", b"STARTTLS\r\n", b"\0\r\n", b"\r\n", b"X" * 1_500 + b"\r\n",
                b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<" + to + b">\r\nDATA\r\nSubject: =?x?b?/w==?= \\ud83d\r\n"
                b"Content-Type: multipart/mixed; boundary=\"\r\n\r\n--\r\n{\"error\":\"\xed\xa0\xbd\"}\r\n.\r\n",
                by.randbytes(by.randrange(1, 80)),
            )
        )  # fmt: skip

    return made


def pipeline(port: int, make: Made, seed: int, requests: int, together: int = 12) -> int:
    """Send so many requests, several in one packet, over many connections; returns how many connections that were.

    Raises ConnectionRefusedError once nothing listens there any more.
    """
    by = random.Random(seed)
    sent = connections = 0
    while sent < requests:
        count = by.randrange(1, together + 1)
        connections += 1
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            try:
                connection.sendall(b"".join(make(by) for _ in range(count)))
                if by.randrange(4):
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(0.05)
                    while connection.recv(65_536):
                        pass
            except (ConnectionResetError, BrokenPipeError, TimeoutError):
                pass
        sent += count
    return connections
