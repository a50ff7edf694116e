"""Write path of objectives: one admission for the API, documents and pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from vigil.history.models import Objective
from vigil.problems.rows import row_problems
from vigil.visible_text import is_visible_line

_SETTABLE = ("name", "monitor", "tag", "target_percent", "window_days", "enabled")


def save_objective(objective: Objective, wanted: Mapping[str, Any]) -> Objective:
    """Create or change an objective; raises `ValidationError` keyed by field."""
    for name in _SETTABLE:
        if name in wanted:
            setattr(objective, name, wanted[name])
    problems: dict[str, Any] = {**row_problems(objective, exclude=["public_id"])}
    if bool(objective.monitor) == bool(objective.tag):
        # The row's own constraint says the same without a field.
        problems.pop(NON_FIELD_ERRORS, None)
        problems["monitor"] = ["Give either a monitor or a tag."]
    elif objective.monitor and objective.monitor.team_id != objective.team_id:
        problems["monitor"] = ["This monitor is another team's."]
    if objective.tag and not is_visible_line(objective.tag):
        problems["tag"] = ["A tag is one line of visible text."]
    if problems:
        raise ValidationError(problems)
    objective.save()
    return objective
