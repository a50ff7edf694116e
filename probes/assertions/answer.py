"""View of one answer for assertions: its parts, its JSON parsed once, and quotations without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from probes.assertions.charset import ASCII_COMPATIBLE, charset_of, decoded, json_text
from probes.assertions.redaction import masked
from probes.net.tls.options import Certificate

_UNREAD = object()


class NotJsonAnswer(ValueError):
    """The body is no JSON document."""


@dataclass(slots=True)
class AnswerView:
    """One attempt's answer. Header names are lower case; `hidden` are the secrets that no quotation may show.

    `truncated` when the body goes on beyond what was read; `undecoded` names a coding that it is still in.
    `certificate` is the server's own; `soonest` is the one that expires first of all that its clients depend on, and
    `soonest_of` says whose it is where that is not plain.
    """

    total_us: int
    now_s: float
    code: int = 0
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    truncated: bool = False
    certificate: Certificate | None = None
    hidden: Sequence[str] = ()
    soonest: Certificate | None = None
    soonest_of: str = ""
    undecoded: str = ""
    _document: object = _UNREAD
    _readings: tuple[bytes, ...] = ()

    @property
    def unread(self) -> str:
        """Why the body cannot be judged as a whole; "" when it can."""
        if self.undecoded:
            return f"a body in the coding {self.undecoded}, which is not read here"
        return f"only the first {len(self.body)} bytes were read, and the body goes on" if self.truncated else ""

    def readings(self) -> tuple[bytes, ...]:
        """The body as UTF-8: as it came, and out of its own charset where that is another one."""
        if not self._readings:
            kind = self._content_type()
            marked = self.body[:1] in (b"\xef", b"\xff", b"\xfe")
            codec = charset_of(self.body, kind)
            if not marked and (codec == "utf-8" or (codec in ASCII_COMPATIBLE and self.body.isascii())):
                self._readings = (self.body,)
            else:
                self._readings = (self.body, decoded(self.body, kind).encode())
        return self._readings

    def _content_type(self) -> str:
        return next((value for name, value in self.headers if name == "content-type"), "")

    def document(self) -> object:
        """The body as JSON, read once; raises NotJsonAnswer."""
        if self._document is _UNREAD:
            self._document = self._read_document()
        if isinstance(self._document, NotJsonAnswer):
            raise self._document
        return self._document

    def _read_document(self) -> object:
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            return msgspec.json.decode(json_text(self.body, self._content_type()))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return NotJsonAnswer(self.unread or "it is not JSON")

    def quoted(self, text: str | bytes) -> str:
        """A quotation of what was found: secrets masked, control characters written out, at most 80 characters."""
        plain = text.decode(errors="replace") if isinstance(text, bytes) else text
        plain = masked(plain, self.hidden)
        return repr(plain[:80]) + ("…" if len(plain) > 80 else "")

    def quoted_json(self, value: object) -> str:
        """A JSON value as it was found: secrets masked, at most 80 characters."""
        plain = masked(msgspec.json.encode(value).decode(errors="replace"), self.hidden)
        return plain if len(plain) <= 80 else plain[:80] + "…"
