"""Tools over monitors as code: `plan_config` and `apply_plan`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec

from vigil.mcp.api import CallerApi, ToolArguments
from vigil.mcp.core.bounds import fitting
from vigil.mcp.core.outside_text import one_line
from vigil.mcp.tool import Tool, ToolEffect, ToolScope

CHANGES_MOST, WORDS_MOST = 10, 5
_FIELDS = 6


class PlanAsked(ToolArguments, frozen=True):
    document: Annotated[
        dict[str, Any], msgspec.Meta(description="What vigil.yaml holds, as JSON; its schema: /api/v1/schema.json.")
    ]
    prune: Annotated[bool, msgspec.Meta(description="Delete what the project owns and does not name.")] = False


class PlannedChange(msgspec.Struct, frozen=True):
    """An object and the names of the fields that change; their values are on the page and in the API."""

    action: str
    section: str
    key: str
    fields: list[str]


class PlanShown(msgspec.Struct, frozen=True):
    """A plan: what it would change, and what of that changes who is paged. `applied_at` is null until it is applied."""

    id: str
    project: str
    counts: dict[str, int]
    changes: list[PlannedChange]
    changes_left_out: int
    paging: list[str]
    warnings: list[str]
    applied_at: str | None
    link: str


class ApplyAsked(ToolArguments, frozen=True):
    plan: Annotated[str, msgspec.Meta(pattern=r"^pln_[0-9a-z]{1,20}$", description="Id that plan_config answered.")]


def plan_config(api: CallerApi, asked: PlanAsked) -> PlanShown:
    """Compare a configuration with what is there, and answer with a plan. Nothing changes until `apply_plan`."""
    return _shown(api, api.post("plans", {"document": asked.document, "prune": asked.prune}))


def apply_plan(api: CallerApi, asked: ApplyAsked) -> PlanShown:
    """Apply a plan, all or nothing. It is refused when the configuration has changed since the plan was made.

    Show the plan to a person first: it may create, change and delete monitors, channels and routes.
    """
    return _shown(api, api.post(f"plans/{asked.plan}/apply"))


def _shown(api: CallerApi, plan: dict[str, Any]) -> PlanShown:
    changes = plan["changes"]
    rows = [
        PlannedChange(
            one["action"], one["section"], one_line(one["key"]),
            [one_line(field["name"]) for field in one["fields"][:_FIELDS]],
        )
        for one in changes
    ]  # fmt: skip

    def build(count: int) -> PlanShown:
        paging, warnings = (
            [one_line(words, 140) for words in plan[name][: min(count, WORDS_MOST)]] for name in ("paging", "warnings")
        )
        return PlanShown(
            plan["id"], one_line(plan["project"]), dict(Counter(one["action"] for one in changes)), rows[:count],
            max(0, len(rows) - count), paging, warnings, plan["applied_at"], api.link("api", "v1", "plans", plan["id"]),
        )  # fmt: skip

    return fitting(build, CHANGES_MOST)


TOOLS = {
    "plan_config": Tool(plan_config, ToolScope.WRITE, ToolEffect.ADDS, is_idempotent=False),
    "apply_plan": Tool(apply_plan, ToolScope.WRITE, ToolEffect.CHANGES, is_idempotent=False),
}
