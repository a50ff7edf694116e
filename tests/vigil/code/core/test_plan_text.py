"""Words of a plan fit where they are read."""

from __future__ import annotations

from typing import Any

from vigil.code.core.plan_text import in_markdown

#: Characters of a comment on a pull request.
FORGE_MOST = 65_536


def plan(action: str, count: int, **parts: Any) -> dict[str, Any]:
    found = [
        {"action": action, "section": "monitors", "key": f"m{number}", "id": "mon_0", "name": "ü" * 200, "fields": []}
        for number in range(count)
    ]
    return {"id": "pln_0", "project": "shop", "changes": found, "paging": [], "warnings": [], **parts}


def test_a_comment_fits_a_forge_and_says_what_is_left_out() -> None:
    for action in ("create", "delete"):
        text = in_markdown(plan(action, 2_000, paging=["x" * 900] * 100, warnings=["y" * 900] * 100))
        assert len(text) < FORGE_MOST and text.count("more lines: `plan` prints them all") == 3
        assert f"2000 to {action}" in text


def test_a_comment_holds_the_warnings() -> None:
    text = in_markdown(plan("create", 1, warnings=["channels.ops is `used`"]))
    assert "**Warnings**\n- `channels.ops is 'used'`" in text
