"""Documents planned and applied in tests, as the commands and the API do it."""

from __future__ import annotations

from typing import Any

from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.code.apply import apply_plan
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.code.models import ConfigurationPlan
from vigil.code.plans import PlanOrder, make_plan

VALUES = {"env:API_KEY": "key-1", "env:KEY": "key-2", "env:SLACK": "https://hooks.slack.example/services/T/B/x"}


def planned(text: str, team: Team | None = None, **options: Any) -> ConfigurationPlan:
    order = PlanOrder(read_yaml(text, "vigil.yaml"), options.pop("values", VALUES), by="ann", **options)
    return make_plan(team or default_team(), order)


def applied(text: str, team: Team | None = None, **options: Any) -> ConfigurationPlan:
    team = team or default_team()
    return apply_plan(team, planned(text, team, **options).public_id, "ann").plan


def changes(plan: ConfigurationPlan) -> dict[str, Any]:
    """Each changed object with its action, or its fields for an update."""
    return {
        f"{one['section']}.{one['key']}": {each["name"]: (each["old"], each["new"]) for each in one["fields"]}
        if one["action"] == "update"
        else one["action"]
        for one in plan.changes
    }
