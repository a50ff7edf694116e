"""Parsers of JSON bodies that admit only what can be stored, and the choice of an answer's format."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from vigil.api.base.errors import BodyTooLarge
from vigil.strict_json import InputProblem, read_json

BODY_MOST = 1024 * 1024
#: Bytes of a document that is sent packed.
UNPACKED_MOST = 8 * 1024 * 1024


class AdmittedJSONParser(BaseParser):
    """JSON in UTF-8 without NUL, halves of characters, NaN, huge numbers or deep nesting; else 400."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, context: Mapping[str, Any] | None = None) -> Any:
        return _admitted(_body(stream, f"A body has at most {BODY_MOST:,} bytes."))


class PackedJSONParser(BaseParser):
    """The same, also packed by gzip: documents of thousands of monitors are larger than other bodies."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, context: Mapping[str, Any] | None = None) -> Any:
        text = _body(stream, f"A body has at most {BODY_MOST:,} bytes as it is sent: pack it with gzip.")
        encoding = context["request"].headers.get("Content-Encoding", "") if context else ""
        return _admitted(_unpacked(text) if encoding.strip().lower() == "gzip" else text)


def _body(stream: IO[bytes], words: str) -> bytes:
    text = stream.read(BODY_MOST + 1)
    if len(text) > BODY_MOST:
        raise BodyTooLarge(words)
    return text


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        text = unpacking.decompress(packed, UNPACKED_MOST + 1)
    except zlib.error:
        raise ParseError("The body of this request is not packed by gzip, as its Content-Encoding says.") from None
    if len(text) > UNPACKED_MOST:
        raise BodyTooLarge(f"A document has at most {UNPACKED_MOST:,} bytes as JSON: split it into projects.")
    if not unpacking.eof or unpacking.unused_data:
        raise ParseError("The packed body of this request is cut off, or something follows it.")
    return text


def _admitted(text: bytes) -> Any:
    try:
        return read_json(text)
    except InputProblem as problem:
        if problem.field:
            raise ValidationError({problem.field: [str(problem)]}) from None
        raise ParseError(f"The body of this request cannot be read. {problem}") from None


class KnownFormats(DefaultContentNegotiation):
    """Refuses a `format` in the query that the view has not with 400: the address exists, so 404 would mislead."""

    def filter_renderers(self, renderers: Sequence[BaseRenderer], format: str) -> list[BaseRenderer]:  # type: ignore[override]
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            known = ", ".join(sorted(str(renderer.format) for renderer in renderers))
            raise ValidationError({"format": [f"Choose one of these: {known}."]})
        return found
