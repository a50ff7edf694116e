"""Prose of teams becomes HTML with nothing active, and its links give nothing away."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.status.core.prose import public_markdown

_ALLOWED = re.compile(r"</?(p|br|hr|em|strong|s|code|pre|blockquote|ul|ol|li|a|h[3-6]|table|thead|tbody|tr|th|td)\b")
PIECES = st.sampled_from(
    ["<script>", "</p>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "[a](https://example.test)",
     "![a](https://example.test/x.png)", "<a href='data:x'>", "`", "**", "\n\n", "\n", "> ", "- ", "# ",
     "|a|b|\n|-|-|\n",
     "[a]: javascript:x\n", "<svg/onload=x>", "&#106;avascript:", "text ", '"', "\u202e", "<style>", "[x]("]
)  # fmt: skip


def test_text_is_shown_as_its_writer_meant_it() -> None:
    html = public_markdown(
        "## What we *do*\n\nFirst line\nsecond [here](https://example.test/a?b=1&c=2).\n\n- one\n- two"
    )
    assert html == (
        "<h4>What we <em>do</em></h4>\n<p>First line<br>\nsecond"
        ' <a href="https://example.test/a?b=1&amp;c=2" rel="nofollow noopener noreferrer">here</a>.</p>\n'
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
    )
    assert public_markdown("") == ""


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"])
def test_a_link_that_acts_is_none(scheme: str) -> None:
    assert "href" not in public_markdown(f"[a]({scheme})")


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_is_written_nothing_in_it_acts(text: str) -> None:
    html = public_markdown(text)
    for tag in re.findall(r"<[^>]*>", html):
        assert _ALLOWED.match(tag), tag
        assert not re.search(r"\s(on\w+|style|src|srcset|id|class)\s*=", tag), tag
        href = re.search(r'href="([^"]*)"', tag)
        assert href is None or ("rel=" in tag and not re.match(r"(?i)\s*(javascript|data|vbscript):", href[1])), tag
