"""Validation of names: one line of text that reads as it is stored."""

from __future__ import annotations

from typing import Any
from unicodedata import category

from django.core.exceptions import ValidationError

#: Bidirectional overrides, embeddings and isolates: they show a name in another order than it has (Trojan Source).
_REORDERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Controls, halves of characters, and separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_REASON = "One line of visible text: no line breaks, control characters or characters that reorder text."


def is_visible_line(text: str) -> bool:
    """Whether it is one line of text without controls and overrides, of which something can be seen."""
    if text.isascii():
        return text.isprintable()
    odd = any(character in _REORDERS or category(character) in _UNSEEN for character in text)
    return not odd and any(category(character)[0] not in "CZ" for character in text)


def visible_line(text: str) -> None:
    """Validator of names; raises `ValidationError`."""
    if text and not is_visible_line(text):
        raise ValidationError(_REASON, code="invalid")


def unique_words(words: Any) -> Any:
    """A list of words, each once, in their order; what is no such list stays as it is, for validation to refuse."""
    is_list = isinstance(words, list) and all(isinstance(word, str | int) for word in words)
    return list(dict.fromkeys(words)) if is_list else words
