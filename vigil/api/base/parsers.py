"""Parser of JSON bodies that admits only what can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from vigil.api.base.errors import BodyTooLarge
from vigil.strict_json import InputProblem, read_json

BODY_MOST = 1024 * 1024


class AdmittedJSONParser(BaseParser):
    """JSON in UTF-8 without NUL, halves of characters, NaN, huge numbers or deep nesting; else 400."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, context: Mapping[str, Any] | None = None) -> Any:
        text = stream.read(BODY_MOST + 1)
        if len(text) > BODY_MOST:
            raise BodyTooLarge(f"A body has at most {BODY_MOST:,} bytes.")
        try:
            return read_json(text)
        except InputProblem as problem:
            if problem.field:
                raise ValidationError({problem.field: [str(problem)]}) from None
            raise ParseError(f"The body of this request cannot be read. {problem}") from None
