"""Prose of teams stays Markdown for programs: it reads as it was written, and nothing in it acts or is left open."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.vigil.status.core.test_prose import PIECES
from vigil.status.core.elsewhere.safe_markdown import in_markdown, safe_markdown
from vigil.status.core.prose import public_markdown

#: As a reader has it that shows raw HTML.
_READER = MarkdownIt("js-default", {"html": True, "linkify": False, "typographer": False})
_KEPT = (
    "What we *do*, **now**, ~~not~~ and `code` for chat_api at 5 % & more (really).",
    "First line\nsecond [here](https://example.test/a?b=1&copy=2).\n\n- one\n- two\n\n  more of two",
    "9. nine\n10. ten\n    - nested **words**\n    - `a``b`\n\n> said\n> again\n>\n> - in it",
    "```python\nprint('# <b>')\n```\n\nthen\n\n---\n\nthe end",
    "| what | when |\n|---|---|\n| chat \\| batch | 2 < 3 |",
    "1\\. no list, \\# no heading and \\*no star\\*\n\\- nor a list\n\\> nor said",
    "&lt;b&gt; &amp;copy; a\\\\b <https://example.test/x> [mail](mailto:ops@example.test)",
    "- one\n\n+ another list\n\n1) a third\n2) of two",
)


@pytest.mark.parametrize("text", _KEPT)
def test_what_was_written_reads_the_same(text: str) -> None:
    assert public_markdown(safe_markdown(text)) == public_markdown(text)
    assert safe_markdown(safe_markdown(text)) == safe_markdown(text)


def test_it_is_written_as_people_write_it() -> None:
    text = "## What we *do*\n\nchat_api is back,\n2 * 3 is 6. ![A map](https://example.test/x.png)\n\n* one\n* two"
    assert safe_markdown(text) == ("#### What we *do*\n\nchat_api is back,\n2 \\* 3 is 6. A map\n\n* one\n* two")
    assert (safe_markdown(""), safe_markdown(" \n\n")) == ("", "")


@pytest.mark.parametrize(
    "text", ["```\nopen", "<!-- open", "<details>\n\n<pre>", "> ```\n> open", "[a]: javascript:x", "| a |\n|-"]
)
def test_what_is_left_open_swallows_nothing(text: str) -> None:
    after = _READER.render(f"{safe_markdown(text)}\n\n## What follows\n")
    assert after.endswith("<h2>What follows</h2>\n") and "<!--" not in after


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_is_written_nothing_in_it_acts(text: str) -> None:
    for made in (safe_markdown(text), in_markdown(text)):
        tokens = [one for token in _READER.parse(made) for one in (token, *(token.children or ()))]
        assert {one.type for one in tokens} & {"html_block", "html_inline", "image"} == set(), made
        for one in tokens:
            address = str(one.attrs.get("href", ""))
            assert re.match(r"(https?|mailto):|[^:]*$", address), made
