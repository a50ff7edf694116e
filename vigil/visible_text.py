"""Validation of names: one line of text that reads as it is stored."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from vigil.strict_json import is_visible_line

_REASON = "One line of visible text: no line breaks, control characters or characters that reorder text."

__all__ = ["is_visible_line", "unique_words", "visible_line"]


def visible_line(text: str) -> None:
    """Validator of names; raises `ValidationError`."""
    if text and not is_visible_line(text):
        raise ValidationError(_REASON, code="invalid")


def unique_words(words: Any) -> Any:
    """A list of words, each once, in their order; what is no such list stays as it is, for validation to refuse."""
    is_list = isinstance(words, list) and all(isinstance(word, str | int) for word in words)
    return list(dict.fromkeys(words)) if is_list else words
