"""Serialisation of letters as MIME: what the library takes 2.5 ms for, since most headers are plain.

Headers with words of people are encoded once, and kept; the others are ASCII that Vigil makes itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from email.headerregistry import Address
from email.utils import formataddr
from functools import lru_cache

from vigil.alerts.wording.mail_headers import encoded

#: Longest line that is sent as it is: servers take 998 (RFC 5321, section 4.5.3.1.6).
_LINE_MOST = 900
#: Headers that are kept as they are written: of one update all letters have the same.
_KEPT = 256


@lru_cache(maxsize=_KEPT)
def sender_header(title: str, address: str) -> bytes:
    """From: the address under the name of a page. Raises ValueError for what is no address."""
    known = str(Address(addr_spec=address).addr_spec)
    shown = encoded("From", title)
    return _written("From", formataddr((title, known)) if shown == title else f"{shown} <{known}>")


@lru_cache(maxsize=_KEPT)
def worded_header(name: str, words: str) -> bytes:
    """A header with words of people in one line, encoded and folded as it must be."""
    return _written(name, encoded(name, words))


def plain_header(name: str, value: str) -> bytes:
    """A header of ASCII without line breaks; raises ValueError for anything else."""
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} is no plain text")
    return f"{name}: {value}\r\n".encode()


def two_bodies(headers: Iterable[bytes], text: str, html: str, seed: str) -> bytes:
    """A letter with the same as text and as HTML; `seed` makes the boundary, the same for each attempt."""
    boundary = f"=_{hashlib.sha256(seed.encode()).hexdigest()[:24]}"
    parts = b"".join(f"--{boundary}\r\n".encode() + _part(*each) for each in (("plain", text), ("html", html)))
    kind = plain_header("Content-Type", f'multipart/alternative; boundary="{boundary}"')
    return b"".join([*headers, b"MIME-Version: 1.0\r\n", kind, b"\r\n", parts, f"--{boundary}--\r\n".encode()])


def _part(subtype: str, text: str) -> bytes:
    lines = text.splitlines()
    body = "\r\n".join(lines).encode() + b"\r\n"
    coding = "7bit"
    if not all(map(_is_plain, lines)):
        coding, body = "base64", base64.encodebytes(body).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {coding}\r\n\r\n'
    return head.encode() + body


def _is_plain(line: str) -> bool:
    return line.isascii() and len(line) <= _LINE_MOST and line.replace("\t", " ").isprintable()


def _written(name: str, value: str) -> bytes:
    for line in value.split("\r\n"):
        plain_header(name, line)
    return f"{name}: {value}\r\n".encode()
