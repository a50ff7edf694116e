"""View of one answer for assertions: its parts, its JSON parsed once, and quotations without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from probes.assertions.redaction import masked
from probes.net.tls_options import Certificate

_UNREAD = object()


class NotJsonAnswer(ValueError):
    """The body is no JSON document."""


@dataclass(slots=True)
class AnswerView:
    """One attempt's answer. Header names are lower case; `hidden` are the secrets that no quotation may show."""

    total_us: int
    now_s: float
    code: int = 0
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    truncated: bool = False
    certificate: Certificate | None = None
    hidden: Sequence[str] = ()
    _document: object = _UNREAD

    def document(self) -> object:
        """The body as JSON, read once; raises NotJsonAnswer."""
        if self._document is _UNREAD:
            try:
                self._document = msgspec.json.decode(self.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._document = NotJsonAnswer("it was cut at the size limit" if self.truncated else "it is not JSON")
        if isinstance(self._document, NotJsonAnswer):
            raise self._document
        return self._document

    def quoted(self, text: str | bytes) -> str:
        """A quotation of what was found: secrets masked, control characters written out, at most 80 characters."""
        plain = text.decode(errors="replace") if isinstance(text, bytes) else text
        plain = masked(plain, self.hidden)
        return repr(plain[:80]) + ("…" if len(plain) > 80 else "")

    def quoted_json(self, value: object) -> str:
        """A JSON value as it was found: secrets masked, at most 80 characters."""
        plain = masked(msgspec.json.encode(value).decode(errors="replace"), self.hidden)
        return plain if len(plain) <= 80 else plain[:80] + "…"
