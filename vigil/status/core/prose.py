"""Prose of teams as HTML for readers: Markdown without raw HTML, pictures or scripts. Pure.

Links open plainly and pass nothing on: `nofollow`, `noopener`, `noreferrer`. Headings begin at the third level, below
those of a page.
"""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS = {
    "p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
#: Schemes of links.
SCHEMES = {"http", "https", "mailto"}
#: Deeper lists and quotes are shown as text.
_NESTING = 20
#: Texts that are kept as HTML: a page is made anew far more often than its texts change.
_KEPT = 512
_LINK = "nofollow noopener noreferrer"

# A single line end stays one, as people write updates.
_markdown = MarkdownIt(
    "js-default", {"html": False, "linkify": False, "typographer": False, "breaks": True, "maxNesting": _NESTING}
)


@lru_cache(maxsize=_KEPT)
def public_markdown(text: str) -> str:
    """Safe HTML of a text; empty for an empty one."""
    tokens = parsed(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=SCHEMES, link_rel=_LINK)


def parsed(text: str) -> list[Token]:
    """A text as Markdown has it, without raw HTML."""
    return _markdown.parse(text)
