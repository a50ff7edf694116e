"""Drafts and clones: monitors that are validated as if they were saved, and copies of saved ones."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.accounts.sealed import Secrets
from vigil.monitors.changes import SETTABLE, assign, check_destination, create_monitor, default_regions
from vigil.monitors.dependencies import set_parents
from vigil.monitors.models import MAX_INTERVAL_S, Monitor, Region
from vigil.monitors.validation import validate_monitor


def draft_monitor(team: Team, wanted: Mapping[str, Any]) -> tuple[Monitor, list[Region]]:
    """A monitor from the settable fields, and the regions that would check it; raises `ValidationError` by field.

    Its name says nothing, so it may be missing or taken.
    """
    unknown = sorted(set(wanted) - SETTABLE)
    if unknown:
        raise ValidationError({unknown[0]: ["This cannot be set."]})
    # The widest, where none is given: a kind may have a least one.
    monitor = Monitor(team=team, interval_s=MAX_INTERVAL_S)
    for name, value in wanted.items():
        if name not in ("name", "regions"):
            setattr(monitor, name, Secrets(value) if name == "secrets" else value)
    monitor.name = monitor.public_id
    validate_monitor(monitor)
    regions = wanted.get("regions")
    return monitor, default_regions() if regions is None else list(regions)


def changed_draft(monitor: Monitor, wanted: Mapping[str, Any]) -> tuple[Monitor, list[Region]]:
    """A stored monitor as a change would leave it, and the regions that would check it; nothing is written.

    Raises `ValidationError` by field. Its name says nothing here either.
    """
    check_destination(monitor, wanted)
    draft = copy(monitor)
    problems = assign(draft, {name: value for name, value in wanted.items() if name != "name"})
    if problems:
        raise ValidationError(problems)
    regions = wanted.get("regions")
    return draft, list(monitor.regions.filter(enabled=True)) if regions is None else list(regions)


def clone_monitor(monitor: Monitor, name: str) -> Monitor:
    """A copy of a monitor under another name: its settings, secrets, regions and parents, and nothing that it has seen.

    Raises `ValidationError` by field, also for a monitor that regions do not check.
    """
    copied = {field: getattr(monitor, field) for field in SETTABLE - {"name", "regions"}}
    with transaction.atomic():
        made = create_monitor(monitor.team, {**copied, "name": name, "regions": list(monitor.regions.all())})
        parents = Monitor.objects.filter(dependents__child=monitor, deleted_at=None)
        set_parents(made, list(parents))
    return made
