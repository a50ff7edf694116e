"""Words of a plan: for a terminal, for a pull request, and as plain values. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vigil.code.core.plan import Change, PlanAction

_SIGNS = {"create": "+", "update": "~", "move": ">", "delete": "-", "keep": "="}
_VALUE_MOST = 120
#: Bytes of a comment, where forges take 65,536 characters; and of each part before the list of all changes.
COMMENT_MOST = 60_000
_PART_MOST = COMMENT_MOST // 4

#: A plan as the API shows it.
Shown = Mapping[str, Any]


def as_plain(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as plain values."""
    return [
        {
            "action": change.action.value,
            "section": change.section,
            "key": change.key,
            "id": change.public_id or None,
            "name": change.name,
            "fields": [{"name": one.name, "old": one.old, "new": one.new} for one in change.fields],
        }
        for change in changes
    ]


def has_changes(plan: Shown) -> bool:
    return any(change["action"] != PlanAction.KEEP for change in plan["changes"])


def in_text(plan: Shown) -> str:
    """A plan for people at a terminal."""
    lines: list[str] = []
    for change in plan["changes"]:
        lines.append(_line(change))
        if change["action"] != PlanAction.CREATE:
            lines += [f"      {one['name']}: {_value(one['old'])} -> {_value(one['new'])}" for one in change["fields"]]
    if plan["paging"]:
        lines += ["", "For paging:", *(f"  ! {line}" for line in plan["paging"])]
    lines += [f"warning: {line}" for line in plan["warnings"]]
    return "\n".join([*lines, *([""] if lines else []), _summary(plan)])


def in_markdown(plan: Shown) -> str:
    """A plan for a comment on a pull request. What people named is in code, so that it is no markup."""
    lines = [f"### Vigil plan for `{_code(plan['project'])}`", "", _summary(plan), ""]
    deleted = [change for change in plan["changes"] if change["action"] == PlanAction.DELETE]
    if deleted:
        named = [f"- `{_code(_named(change))}`" for change in deleted]
        lines += ["**Deletes**", *_within(named, _PART_MOST), ""]
    if plan["paging"]:
        lines += ["**For paging**", *_within([f"- `{_code(line)}`" for line in plan["paging"]], _PART_MOST), ""]
    if plan["warnings"]:
        lines += ["**Warnings**", *_within([f"- `{_code(line)}`" for line in plan["warnings"]], _PART_MOST), ""]
    others = [change for change in plan["changes"] if change["action"] != PlanAction.DELETE]
    if others:
        left = COMMENT_MOST - sum(map(_size, lines))
        lines += ["<details><summary>All changes</summary>", "", "```diff"]
        lines += _within([_fenced(line) for change in others for line in _change_lines(change)], left)
        lines += ["```", "</details>", ""]
    return "\n".join(lines)


def _change_lines(change: Mapping[str, Any]) -> list[str]:
    fields: Sequence[Mapping[str, Any]] = () if change["action"] == PlanAction.CREATE else change["fields"]
    return [
        _line(change).strip(),
        *(f"    {one['name']}: {_value(one['old'])} -> {_value(one['new'])}" for one in fields),
    ]


def _within(lines: Sequence[str], most: int) -> list[str]:
    """As many lines as fit, and how many do not."""
    found: list[str] = []
    for line in lines:
        most -= _size(line)
        if most < 0:
            return [*found, f"and {len(lines) - len(found)} more lines: `plan` prints them all"]
        found.append(line)
    return found


def _size(line: str) -> int:
    return len(line.encode()) + 1


def _line(change: Mapping[str, Any]) -> str:
    words = f"  {_SIGNS[change['action']]} {_named(change)}"
    return f"{words}: no longer in the document; kept (--prune deletes it)" if change["action"] == "keep" else words


def _named(change: Mapping[str, Any]) -> str:
    name = f" {json.dumps(change['name'], ensure_ascii=False)}" if change["name"] != change["key"] else ""
    found = f" ({change['id']})" if change["id"] else ""
    return f"{change['section']}.{change['key']}{name}{found}"


def _summary(plan: Shown) -> str:
    counts = {
        action: sum(change["action"] == action for change in plan["changes"])
        for action in (PlanAction.CREATE, PlanAction.UPDATE, PlanAction.MOVE, PlanAction.DELETE)
    }
    if not any(counts.values()):
        return "No changes."
    words = ", ".join(f"{count} to {action}" for action, count in counts.items() if count)
    return f"Plan {plan['id']}: {words}."


def _value(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _VALUE_MOST else text[: _VALUE_MOST - 1] + "…"


def _code(text: str) -> str:
    """Text within single backticks."""
    return "".join(character if character.isprintable() else " " for character in text.replace("`", "'"))


def _fenced(text: str) -> str:
    """A line within a fence."""
    return text.replace("```", "'''")
