"""Markdown of people as HTML for pages of the team."""

from __future__ import annotations

from django.utils.safestring import SafeString, mark_safe

from vigil.status.core.prose import public_markdown


def as_html(text: str) -> SafeString:
    """The text as HTML for a page whose own headings end at the second level."""
    # Sanitised there.
    return mark_safe(public_markdown(text))
