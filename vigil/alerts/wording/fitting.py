"""Text fitting: cuts at characters or bytes, shortens lists without losing a name. Pure."""

from __future__ import annotations

from collections.abc import Sequence

ELLIPSIS = "…"
#: Names are not cut below this length: the rest is counted instead.
LEAST_NAME = 12


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where text was cut."""
    if len(text) <= limit:
        return text
    return text[: max(0, limit - 1)].rstrip() + ELLIPSIS if limit > 0 else ""


def cut_bytes(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, with an ellipsis where text was cut; never half a character."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: max(0, limit - len(ELLIPSIS.encode()))].decode(errors="ignore").rstrip() + ELLIPSIS


def fit_lines(lines: Sequence[str], limit: int) -> str:
    """Lines joined, at most `limit` characters: whole lines while they fit, the next one cut."""
    return cut("\n".join(line for line in lines if line), limit)


def fit_names(names: Sequence[str], limit: int) -> list[str]:
    """All names, one a line, shortened evenly to fit into `limit` bytes.

    Below a dozen characters each, as many as fit are listed and the last line counts the others; the page behind the
    link lists all.
    """
    if not names:
        return []
    if sum(len(name.encode()) + 1 for name in names) <= limit:
        return list(names)
    each = limit // len(names) - 1
    if each >= LEAST_NAME:
        return [cut_bytes(name, each) for name in names]
    fitting = max(0, (limit - 40) // 41)
    shown = [cut_bytes(name, 40) for name in names[:fitting]]
    return [*shown, f"and {len(names) - fitting} more: see the link"]


def one_line(text: str) -> str:
    """Text without line breaks or control characters, for subjects and titles."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
