"""Subject and texts of a mail of strangers, read with bounded work: headers, parts, depth and bytes have caps. Pure.

Both the plain text and the HTML are read, since either may say that a job failed; attachments are left out.
"""

from __future__ import annotations

import base64
import codecs
import email.header
import email.policy
import html
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

#: What is read of a mail, of the headers of a part, and of a text (bytes); of a header's value (characters).
MAX_READ, MAX_HEAD, MAX_TEXT, MAX_VALUE = 1_000_000, 32_000, 1_000_000, 1_000
MAX_PARTS, MAX_DEPTH = 20, 5
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
#: Texts among the parts that are not of the type text.
_STRUCTURED = re.compile(r"(?:[\w.-]+\+)?(?:json|xml|x?-?yaml)")
#: Reports of mail servers, which some attach.
_REPORTS = frozenset({"delivery-status", "global-delivery-status"})
_MARK = b"\xef\xbb\xbf"
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
#: Codecs that are no character set of a mail, some of them slow.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})
#: The headers of a mail or of a part, and its body as it came.
Entity = tuple[Message, bytes]
_headers = BytesHeaderParser(policy=email.policy.compat32)
#: None looks past the next `<`, so that no text takes long.
_UNSEEN = re.compile(r"<(style|script|title)\b[^<>]{0,1000}>[^<]*</\1\s*>|<!--[^<>]*-->", re.IGNORECASE)
_BREAKS = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/td|/th)\b[^<>]{0,1000}>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{1,10000}>")


def read_mail(content: bytes) -> bytes:
    """Subject and texts of a mail, plain text before HTML; unreadable parts are left out."""
    entity = _entity(content[:MAX_READ].removeprefix(_MARK))
    found = [(kind, text) for kind, text in islice(_texts(entity, MAX_DEPTH), MAX_PARTS) if text.strip()]
    texts = [text for kind, text in found if kind != "html"]
    for shown in (_shown(text) for kind, text in found if kind == "html"):
        # Most mails say the same in both.
        if shown and not any(" ".join(shown.split()) in " ".join(text.split()) for text in texts):
            texts.append(shown)
    whole = "\n".join(filter(None, (_subject(entity[0]), *texts)))
    return whole.replace("\r\n", "\n").encode("utf-8", "replace")


def _shown(text: str) -> str:
    """Text of HTML as people see it: words that tags or soft hyphens cut are whole."""
    text = _UNSEEN.sub(" ", text)
    text = _BREAKS.sub("\n", text)
    text = html.unescape(_TAGS.sub("", text)).replace("\xad", "").replace("\u200b", "").replace("\xa0", " ")
    return "\n".join(line for line in (" ".join(line.split()) for line in text.splitlines()) if line)


def _entity(raw: bytes) -> Entity:
    if raw.startswith((b"\n", b"\r\n")):
        # A part without headers.
        head, body = b"", raw.removeprefix(b"\r").removeprefix(b"\n")
    else:
        found = _END_OF_HEAD.search(raw)
        head, body = (raw[: found.start()], raw[found.end() :]) if found else (raw, b"")
        if found is None and b":" not in raw.partition(b"\n")[0]:
            head, body = b"", raw
    return _headers.parsebytes(head[:MAX_HEAD]), body


def _texts(entity: Entity, depth: int) -> Iterator[tuple[str, str]]:
    """Subtype and content of the texts of a mail, in their order, attachments left out."""
    headers, body = entity
    if len(str(headers.get("content-type", ""))) > MAX_VALUE:
        return
    kind, subtype = headers.get_content_maintype(), headers.get_content_subtype()
    parts = list(_parts(headers, body)) if kind == "multipart" and depth else []
    if parts:
        for part in parts:
            yield from _texts(part, depth - 1)
    elif subtype not in _REPORTS and str(headers.get("content-disposition", ""))[:20].lower().startswith("attachment"):
        return
    elif kind == "message" and subtype != "delivery-status" and depth:
        forwarded = _entity(body)
        yield "plain", _subject(forwarded[0])
        yield from _texts(forwarded, depth - 1)
    elif kind in ("text", "multipart", "message") or (kind == "application" and _STRUCTURED.fullmatch(subtype)):
        # Of parts without a boundary the whole is the text.
        text = _text(headers, body)
        yield "html" if text[:100].lstrip()[:9].lower().startswith(("<html", "<!doctype")) else subtype, text


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
        packed = str(headers.get("content-transfer-encoding", ""))[:20].strip().lower() == "base64"
        raw = _unpacked(body) if packed else headers.get_payload(decode=True)
        charset = headers.get_content_charset("utf-8")
    except (LookupError, ValueError, MessageError):
        raw, charset = body, "utf-8"
    return _decoded(raw[:MAX_TEXT], charset) if isinstance(raw, bytes) else ""


def _unpacked(body: bytes) -> bytes:
    """Base64 with or without its padding; what is none stays as it is."""
    lines = body.split()
    digits = b"".join(lines)
    if len(lines) > len(body.strip().splitlines()) or not _BASE64.fullmatch(digits):
        return body
    digits = digits.rstrip(b"=")
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return base64.b64decode(digits + b"=" * (-len(digits) % 4))


def _subject(headers: Message) -> str:
    said = " ".join(str(one) for one in headers.get_all("subject", ()))
    try:
        pieces = email.header.decode_header(said[:MAX_VALUE])
    except (LookupError, ValueError, MessageError):
        return ""
    return "".join(text if isinstance(text, str) else _decoded(text, charset or "utf-8") for text, charset in pieces)


def _decoded(raw: bytes, charset: str) -> str:
    """A text by its charset, also one in an odd spelling such as cp-850; of an unknown one, as well as can be."""
    for name in (charset, charset.replace("-", "").replace("_", ""), charset.lower().removeprefix("x-")):
        try:
            codec = codecs.lookup(name)
            if codec.name not in _NO_CHARSETS:
                return raw.decode(codec.name, "replace")
        except (LookupError, ValueError):
            continue
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
