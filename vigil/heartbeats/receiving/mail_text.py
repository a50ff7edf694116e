"""Subject and text of a mail of strangers, read with bounded work: headers, parts, depth and bytes have caps. Pure."""

from __future__ import annotations

import codecs
import email.header
import email.policy
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

#: What is read of a mail, of the headers of a part, and of a text (bytes); of a header's value (characters).
MAX_READ, MAX_HEAD, MAX_TEXT, MAX_VALUE = 200_000, 32_000, 50_000, 1_000
MAX_PARTS, MAX_DEPTH = 20, 5
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
#: Codecs that are no character set of a mail, some of them slow.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})
#: The headers of a mail or of a part, and its body as it came.
Entity = tuple[Message, bytes]
_headers = BytesHeaderParser(policy=email.policy.compat32)


def read_mail(content: bytes) -> bytes:
    """Subject and plain text (else HTML) of a mail; unreadable parts are left out."""
    entity = _entity(content[:MAX_READ])
    texts = list(islice(_texts(entity, MAX_DEPTH), MAX_PARTS))
    text = next((text for kind, text in texts if kind == "plain"), texts[0][1] if texts else "")
    whole = "\n".join(filter(None, (_subject(entity[0]), text)))
    return whole.replace("\r\n", "\n").encode("utf-8", "replace")


def _entity(raw: bytes) -> Entity:
    if raw.startswith((b"\n", b"\r\n")):
        # A part without headers.
        head, body = b"", raw.removeprefix(b"\r").removeprefix(b"\n")
    else:
        found = _END_OF_HEAD.search(raw)
        head, body = (raw[: found.start()], raw[found.end() :]) if found else (raw, b"")
    return _headers.parsebytes(head[:MAX_HEAD]), body


def _texts(entity: Entity, depth: int) -> Iterator[tuple[str, str]]:
    """Subtype and content of the texts of a mail, in their order, attachments left out."""
    headers, body = entity
    if len(str(headers.get("content-type", ""))) > MAX_VALUE:
        return
    kind, subtype = headers.get_content_maintype(), headers.get_content_subtype()
    if kind == "multipart" and depth:
        for part in _parts(headers, body):
            yield from _texts(part, depth - 1)
    elif kind == "text" and not str(headers.get("content-disposition", ""))[:20].lower().startswith("attachment"):
        yield subtype, _text(headers, body)


def _parts(headers: Message, body: bytes) -> Iterator[Entity]:
    try:
        boundary = headers.get_boundary("")
    except (LookupError, ValueError):
        return
    if not boundary or len(boundary) > MAX_VALUE:
        return
    line = re.compile(rb"^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*\r?$", re.MULTILINE)
    found = list(islice(line.finditer(body), MAX_PARTS + 1))
    ends = [match.start() for match in found[1:]] + [len(body)]
    for match, end in zip(found[:MAX_PARTS], ends, strict=False):
        if match[1]:
            return
        yield _entity(body[match.end() : end].removeprefix(b"\n").removesuffix(b"\n").removesuffix(b"\r"))


def _text(headers: Message, body: bytes) -> str:
    headers.set_payload(body.decode("ascii", "surrogateescape"))
    try:
        raw = headers.get_payload(decode=True)
        charset = headers.get_content_charset("utf-8")
    except (LookupError, ValueError, MessageError):
        return ""
    return _decoded(raw[:MAX_TEXT], charset) if isinstance(raw, bytes) else ""


def _subject(headers: Message) -> str:
    try:
        pieces = email.header.decode_header(str(headers.get("subject", ""))[:MAX_VALUE])
    except (LookupError, ValueError, MessageError):
        return ""
    return "".join(text if isinstance(text, str) else _decoded(text, charset or "utf-8") for text, charset in pieces)


def _decoded(raw: bytes, charset: str) -> str:
    try:
        codec = codecs.lookup(charset)
        return "" if codec.name in _NO_CHARSETS else raw.decode(codec.name, "replace")
    except (LookupError, ValueError):
        return ""
