"""STARTTLS: each protocol's words before TLS, against servers that speak them, and those that refuse."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import trustme

from probes.net.starttls import PORTS
from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import serving

#: What a server says (bytes), what it awaits (a tuple of what must be in it), in turn; then TLS begins.
Turn = bytes | tuple[bytes, ...]
FEATURES = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
XMPP: list[Turn] = [
    (b"to='localhost'", b"etherx"),
    b"<?xml version='1.0'?><stream:stream id='1' version='1.0'>" + FEATURES,
    (b"<starttls",),
    b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
]
MYSQL = b"\x0a" + b"8.4.0\x00" + b"\x01\x00\x00\x00" + b"12345678" + b"\x00" + b"\xff\xff" + b"\x21" + b"\x00" * 20
MYSQL_REQUEST = (b"\x20\x00\x00\x01",)
STORIES: dict[str, Sequence[Turn]] = {
    "smtp": [
        b"220-mail.test\r\n220 ready\r\n", (b"EHLO ",),
        b"250-mail.test\r\n250-PIPELINING\r\n250-starttls\r\n250 HELP\r\n", (b"STARTTLS\r\n",), b"220 go ahead\r\n",
    ],
    "imap": [b"* OK [CAPABILITY IMAP4rev1] ready\r\n", (b"a1 STARTTLS\r\n",), b"* 1 EXISTS\r\na1 OK begin\r\n"],
    "pop3": [b"+OK ready\r\n", (b"STLS\r\n",), b"+OK begin\r\n"],
    "ftp": [b"220 ftp.test\r\n", (b"AUTH TLS\r\n",), b"234 begin\r\n"],
    "sieve": [b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK\r\n', (b"STARTTLS\r\n",), b'OK "begin"\r\n'],
    "xmpp": XMPP,
    "xmpp-server": [(b"xmlns='jabber:server'",), *XMPP[1:]],
    "ldap": [(b"1.3.6.1.4.1.1466.20037",), b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"],
    "postgresql": [(struct.pack("!ii", 8, 80_877_103),), b"S"],
    "mysql": [len(MYSQL).to_bytes(3, "little") + b"\x00" + MYSQL, MYSQL_REQUEST],
}  # fmt: skip


@contextlib.contextmanager
def telling(story: Sequence[Turn], tls: ssl.SSLContext) -> Iterator[int]:
    """A server with blocking sockets: it reads no byte of TLS before TLS begins, as real servers do."""

    def converse(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.settimeout(5)
            for turn in story:
                if isinstance(turn, bytes):
                    peer.sendall(turn)
                else:
                    # MySQL's client goes on without awaiting an answer.
                    heard = peer.recv(36 if turn == MYSQL_REQUEST else 4_096)
                    assert all(part in heard for part in turn), heard
            with tls.wrap_socket(peer, server_side=True) as secured:
                secured.recv(1)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


async def look(story: Sequence[Turn], tls: ssl.SSLContext, **config: Any) -> Observation:
    with telling(story, tls) as port:
        settings = {"host": "127.0.0.1", "port": port, "server_name": "localhost", **config}
        return await looked("tls", settings, now_s=1_900_000_000.0, timeout_s=3)


@pytest.mark.parametrize("protocol", sorted(PORTS))
def test_the_certificate_behind_each_protocol_is_read(
    on_loop: Any, trusted: trustme.CA, server_tls: Any, protocol: str
) -> None:
    tls = server_tls(trusted.issue_cert("localhost", common_name="mail"))
    seen = on_loop(look(STORIES[protocol], tls, starttls=protocol, degraded_days=0, down_days=0))
    assert (seen.status, seen.detail) == (Status.UP, "")
    assert seen.facts["certificate_subject"] == "mail" and seen.phases.tls_us > 0


def test_a_certificate_that_does_not_verify_is_shown_all_the_same(on_loop: Any, server_tls: Any) -> None:
    tls = server_tls(trustme.CA().issue_cert("localhost", common_name="unknown"))
    seen = on_loop(look(STORIES["smtp"], tls, starttls="smtp"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)
    assert seen.facts["certificate_subject"] == "unknown"


REFUSALS: dict[str, tuple[str, Sequence[Turn], str]] = {
    "smtp offers none": ("smtp", [b"220 x\r\n", (b"EHLO",), b"250 x\r\n"], "offers no STARTTLS"),
    "smtp is busy": ("smtp", [b"421 too many connections\r\n"], "answered the greeting with '421 too many"),
    "smtp refuses": ("smtp", [*STORIES["smtp"][:4], b"454 not now\r\n"], "answered STARTTLS with '454 not now'"),
    "imap refuses": ("imap", [b"* OK x\r\n", (b"a1",), b"a1 BAD unknown\r\n"], "answered STARTTLS with 'a1 BAD"),
    "imap says bye": ("imap", [b"* BYE overloaded\r\n"], "answered the greeting with '* BYE overloaded'"),
    "pop3 refuses": ("pop3", [b"+OK x\r\n", (b"STLS",), b"-ERR no\r\n"], "answered STLS with '-ERR no'"),
    "xmpp offers none": ("xmpp", [(b"to=",), b"<stream:stream><stream:features/>"], "offers no STARTTLS"),
    "xmpp fails": ("xmpp", [*XMPP[:3], b"<failure xmlns='x'/></stream:stream>"], "with a failure"),
    "ldap refuses": (
        "ldap", [(b"1.3.6",), b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"], "result code 2"
    ),
    "postgresql has none": ("postgresql", [(b"\x04\xd2\x16\x2f",), b"N"], "takes no TLS"),
    "mysql has none": (
        "mysql", [len(MYSQL).to_bytes(3, "little") + b"\x00" + MYSQL.replace(b"\xff\xff", b"\x01\x00")], "takes no TLS"
    ),
    "mysql is full": ("mysql", [b"\x17\x00\x00\x00\xff\x10\x04Too many connections"], "Too many connections"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSALS))
def test_a_server_that_begins_no_tls_is_down_in_its_own_words(on_loop: Any, server_tls: Any, case: str) -> None:
    protocol, story, says = REFUSALS[case]
    tls = server_tls(trustme.CA().issue_cert("localhost"))
    seen = on_loop(look(story, tls, starttls=protocol))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TLS_ERROR), seen
    assert says in seen.detail


def test_words_in_clear_after_the_agreement_are_not_taken(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    tls = server_tls(trusted.issue_cert("localhost"))
    injected = [*STORIES["smtp"][:4], b"220 go ahead\r\n250 injected\r\n"]
    seen = on_loop(look(injected, tls, starttls="smtp"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR)
    assert "in clear" in seen.detail


@pytest.mark.parametrize("protocol", sorted(PORTS))
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 70_000, b"\xff\xff\xff\xff"])
def test_what_is_no_such_protocol_is_down_and_never_an_error_of_ours(
    on_loop: Any, server_tls: Any, protocol: str, said: bytes
) -> None:
    tls = server_tls(trustme.CA().issue_cert("localhost"))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    async def story() -> Observation:
        async with serving(handle) as port:
            return await looked("tls", {"host": "127.0.0.1", "port": port, "starttls": protocol}, timeout_s=3)

    assert tls and on_loop(story()).status is Status.DOWN
