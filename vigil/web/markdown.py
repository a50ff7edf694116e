"""Markdown of people as HTML: no raw HTML, no pictures, no scripts; links open plainly and give away no referrer."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_TAGS = {
    "p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
#: Deeper lists and quotes are shown as text.
_NESTING = 20

_markdown = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": _NESTING})


def as_html(text: str) -> SafeString:
    """The text as HTML for a page whose own headings end at the second level."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES, link_rel="noopener nofollow")
    # Sanitised by nh3 in the line above.
    return mark_safe(clean)
