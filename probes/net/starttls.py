"""STARTTLS: what each protocol says in clear before its server begins TLS on the same connection.

After `agreed` the caller goes on with `Stream.secure`. Nothing is logged in, sent or stored. Sources: RFC 3207 (SMTP),
2595 (IMAP, POP3, with 8314), 4217 (FTP), 6120 (XMPP), 4511 (LDAP), 5804 (ManageSieve), and the protocol pages of
PostgreSQL and MySQL.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Awaitable, Callable
from typing import Literal, get_args

from probes.net.failures import Failure, ProtocolBroken
from probes.net.stream import Stream
from probes.reasons import Reason

Protocol = Literal[
    "smtp", "imap", "pop3", "ftp", "sieve", "xmpp", "xmpp-server", "ldap", "postgresql", "mysql"
]  # fmt: skip
PORTS: dict[str, int] = {
    "smtp": 25, "imap": 143, "pop3": 110, "ftp": 21, "sieve": 4190, "xmpp": 5222, "xmpp-server": 5269, "ldap": 389,
    "postgresql": 5432, "mysql": 3306,
}  # fmt: skip
_LINES_MOST = 100
_XMPP_TLS = b"urn:ietf:params:xml:ns:xmpp-tls"
#: Bits of MySQL's capabilities: protocol 4.1, TLS, secure connection.
_MYSQL_TLS, _MYSQL_OURS = 0x0800, 0x0200 | 0x0800 | 0x8000
#: The extended request StartTLS (1.3.6.1.4.1.1466.20037) as message 1, in BER.
_LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"


class StartTlsRefused(Failure):
    """The server speaks its protocol and does not begin TLS; the text quotes what it said."""

    reason = Reason.TLS_ERROR


async def agreed(protocol: str, stream: Stream, server_name: str) -> None:
    """Have the server agree to TLS. Raises StartTlsRefused, ProtocolBroken, and what reading raises."""
    await _AGREE[protocol](stream, server_name)


async def _smtp(stream: Stream, server_name: str) -> None:
    await _reply(stream, "220", "the greeting")
    stream.send(b"EHLO localhost\r\n")
    offered = await _reply(stream, "250", "EHLO")
    if not any(line[4:].strip().upper() == "STARTTLS" for line in offered):
        raise StartTlsRefused("the server offers no STARTTLS")
    stream.send(b"STARTTLS\r\n")
    await _reply(stream, "220", "STARTTLS")


async def _ftp(stream: Stream, server_name: str) -> None:
    await _reply(stream, "220", "the greeting")
    stream.send(b"AUTH TLS\r\n")
    await _reply(stream, "234", "AUTH TLS")


async def _pop3(stream: Stream, server_name: str) -> None:
    _expect(await _line(stream), "+OK", "the greeting")
    stream.send(b"STLS\r\n")
    _expect(await _line(stream), "+OK", "STLS")


async def _imap(stream: Stream, server_name: str) -> None:
    _expect(await _line(stream), "* OK", "the greeting")
    stream.send(b"a1 STARTTLS\r\n")
    _expect(await _until_line(stream, "a1 "), "a1 OK", "STARTTLS")


async def _sieve(stream: Stream, server_name: str) -> None:
    _expect(await _until_line(stream, "OK", "NO", "BYE"), "OK", "the greeting")
    stream.send(b"STARTTLS\r\n")
    _expect(await _until_line(stream, "OK", "NO", "BYE"), "OK", "STARTTLS")


async def _xmpp(stream: Stream, server_name: str, namespace: str = "jabber:client") -> None:
    stream.send(
        f"<?xml version='1.0'?><stream:stream to='{server_name}' version='1.0' xmlns='{namespace}' "
        "xmlns:stream='http://etherx.jabber.org/streams'>".encode()
    )
    features = await stream.until_match(re.compile(rb"</stream:features\s*>|<stream:features\s*/>|</stream:stream\s*>"))
    if _XMPP_TLS not in features:
        raise StartTlsRefused("the server offers no STARTTLS")
    stream.send(b"<starttls xmlns='" + _XMPP_TLS + b"'/>")
    answer = await stream.until_match(re.compile(rb"<(proceed|failure)\b[^>]*>(\s*</\1>)?"))
    if b"<proceed" not in answer:
        raise StartTlsRefused("the server answered STARTTLS with a failure")


async def _xmpp_server(stream: Stream, server_name: str) -> None:
    await _xmpp(stream, server_name, "jabber:server")


async def _ldap(stream: Stream, server_name: str) -> None:
    stream.send(_LDAP_REQUEST)
    head = await stream.take(2)
    if head[:1] != b"\x30":
        raise ProtocolBroken("the answer is not LDAP's")
    length = head[1]
    if length & 0x80:
        length = int.from_bytes(await stream.take(min(length & 0x7F, 4)), "big")
    answer = await stream.take(length)
    # After the message id comes the extended response [APPLICATION 24], which begins with its result code.
    place = answer.find(b"\x78")
    code = answer.find(b"\x0a\x01", max(place, 0))
    if place < 0 or code < 0 or code + 2 >= len(answer):
        raise ProtocolBroken("the answer is not LDAP's")
    if answer[code + 2]:
        raise StartTlsRefused(f"the server answered StartTLS with result code {answer[code + 2]}")


async def _postgresql(stream: Stream, server_name: str) -> None:
    stream.send(struct.pack("!ii", 8, 80_877_103))
    answer = await stream.take(1)
    if answer == b"N":
        raise StartTlsRefused("the server takes no TLS")
    if answer != b"S":
        raise ProtocolBroken("the answer is not PostgreSQL's")


async def _mysql(stream: Stream, server_name: str) -> None:
    head = await stream.take(4)
    greeting = await stream.take(int.from_bytes(head[:3], "little"))
    if greeting[:1] == b"\xff":
        raise StartTlsRefused(f"the server refuses: {_shown(greeting[3:].lstrip(b'#')[:120])}")
    version_end = greeting.find(b"\x00", 1)
    low = greeting[version_end + 14 : version_end + 16]
    if greeting[:1] != b"\x0a" or version_end < 0 or len(low) < 2:
        raise ProtocolBroken("the answer is not MySQL's")
    if not int.from_bytes(low, "little") & _MYSQL_TLS:
        raise StartTlsRefused("the server takes no TLS")
    stream.send(b"\x20\x00\x00\x01" + struct.pack("<IIB23x", _MYSQL_OURS, 1 << 24, 33))


_AGREE: dict[str, Callable[[Stream, str], Awaitable[None]]] = {
    "smtp": _smtp, "imap": _imap, "pop3": _pop3, "ftp": _ftp, "sieve": _sieve, "xmpp": _xmpp,
    "xmpp-server": _xmpp_server, "ldap": _ldap, "postgresql": _postgresql, "mysql": _mysql,
}  # fmt: skip
if set(_AGREE) != set(get_args(Protocol)) or set(PORTS) != set(_AGREE):
    raise TypeError("every protocol has a name, a port and a dialogue")


async def _line(stream: Stream) -> str:
    return (await stream.until(b"\n")).decode("utf-8", "replace").rstrip("\r\n")


async def _until_line(stream: Stream, *starts: str) -> str:
    """The first line that begins with one of these, in any case."""
    for _ in range(_LINES_MOST):
        line = await _line(stream)
        if line.upper().startswith(tuple(start.upper() for start in starts)):
            return line
    raise ProtocolBroken("lines without an end")


async def _reply(stream: Stream, code: str, to: str) -> list[str]:
    """The lines of a reply of SMTP or FTP: `250-` goes on, `250 ` is the last."""
    lines: list[str] = []
    while len(lines) < _LINES_MOST:
        line = await _line(stream)
        lines.append(line)
        if line[:3].isdigit() and line[3:4] != "-" and line[:3] == lines[0][:3]:
            _expect(line, code, to)
            return lines
    raise ProtocolBroken("lines without an end")


def _expect(line: str, start: str, to: str) -> None:
    if not line.upper().startswith(start.upper()):
        raise StartTlsRefused(f"the server answered {to} with {_shown(line.encode()[:120])}")


def _shown(said: bytes) -> str:
    text = said.decode("utf-8", "replace")
    return repr("".join(each if each.isprintable() else " " for each in text))
