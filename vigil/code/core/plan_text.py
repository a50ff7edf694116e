"""Words of a plan: for a terminal, for a pull request, and as plain values. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vigil.code.core.plan import Change, PlanAction

_SIGNS = {"create": "+", "update": "~", "move": ">", "delete": "-", "keep": "="}
_VALUE_MOST = 120

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
        lines += ["**Deletes**", *(f"- `{_code(_named(change))}`" for change in deleted), ""]
    if plan["paging"]:
        lines += ["**For paging**", *(f"- `{_code(line)}`" for line in plan["paging"]), ""]
    others = [change for change in plan["changes"] if change["action"] != PlanAction.DELETE]
    if others:
        lines += ["<details><summary>All changes</summary>", "", "```diff"]
        for change in others:
            lines.append(_fenced(_line(change).strip()))
            if change["action"] != PlanAction.CREATE:
                fields: Sequence[Mapping[str, Any]] = change["fields"]
                lines += [_fenced(f"    {one['name']}: {_value(one['old'])} -> {_value(one['new'])}") for one in fields]
        lines += ["```", "</details>", ""]
    return "\n".join(lines)


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
