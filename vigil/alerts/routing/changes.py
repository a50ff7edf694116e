"""Write paths of routing, one transaction each. All raise `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction

from vigil.alerts.core.routes import ROUTE_KINDS, Severity
from vigil.alerts.models import (
    EscalationPolicy,
    EscalationStep,
    Person,
    Rotation,
    RotationMember,
    RotationOverride,
    Route,
)
from vigil.clock import YEARS_IN_WORDS, is_storable, is_zone
from vigil.monitors.models import Priority
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS
from vigil.problems.rows import row_problems
from vigil.visible_text import is_visible_line, unique_words

MAX_ROUTES, MAX_PEOPLE, MAX_ROTATIONS, MAX_POLICIES, MAX_OVERRIDES = 200, 1_000, 200, 200, 500
MAX_CHANNELS, MAX_MEMBERS, MAX_STEPS = 50, 100, 20
MAX_OVERRIDE = timedelta(days=90)

Problems = dict[str, list[Any]]
RowT = TypeVar("RowT", bound=models.Model)

_ROUTE = (
    "name", "position", "kinds", "severities", "priorities", "tags", "monitor", "days", "starts", "ends", "zone",
    "policy", "remind_s", "notes", "goes_on", "default", "enabled",
)  # fmt: skip
_WORDS: Mapping[str, Iterable[Any]] = {
    "kinds": ROUTE_KINDS,
    "severities": list(Severity),
    "priorities": Priority.values,
    "days": range(7),
}


def save_route(route: Route, wanted: Mapping[str, Any]) -> Route:
    """Create or change a route."""
    channels = wanted.get("channels")
    _set(route, wanted, _ROUTE)
    validate_route(route, channels or ())
    with transaction.atomic():
        _within(Route, route, MAX_ROUTES)
        route.save()
        if channels is not None:
            route.channels.set(channels)
    return route


def route_warnings(route: Route) -> list[str]:
    """Weaknesses of a saved route in words; empty if it tells a channel."""
    told = route.policy is not None or any(channel.enabled for channel in route.channels.all())
    if told or not route.enabled:
        return []
    lost = "continues to later routes" if route.goes_on else "ends here"
    return [f"This route has no enabled channel and no policy: an incident that it matches alerts no one, and {lost}."]


def validate_route(route: Route, channels: Sequence[models.Model] = ()) -> None:
    """Validate a route."""
    problems = _problems(route, exclude=[*_WORDS, "tags"])
    for field, known in _WORDS.items():
        given = getattr(route, field)
        if not isinstance(given, list) or any(type(one) not in (str, int) or one not in known for one in given):
            shown = ", ".join(str(one) for one in known)
            problems[field] = [f"Must be a list with some of: {shown}."]
    if not isinstance(route.tags, list) or not all(
        isinstance(tag, str) and 0 < len(tag) <= MAX_TAG_LENGTH and is_visible_line(tag) for tag in route.tags
    ):
        problems["tags"] = ["Must be a list of words."]
    elif len(route.tags) > MAX_TAGS:
        problems["tags"] = [f"At most {MAX_TAGS} tags."]
    if (route.starts is None) != (route.ends is None):
        problems["ends"] = ["Give both times or none."]
    if not is_zone(route.zone):
        problems["zone"] = ["Unknown time zone: use a name such as Europe/Berlin."]
    _own(problems, "channels", route.team_id, channels, MAX_CHANNELS)
    _own(problems, "monitor", route.team_id, [route.monitor] if route.monitor else [])
    _own(problems, "policy", route.team_id, [route.policy] if route.policy else [])
    _refuse(problems)


def save_person(person: Person, wanted: Mapping[str, Any]) -> Person:
    """Create or change a person and the channels that reach them."""
    channels = wanted.get("channels")
    _set(person, wanted, ("name", "user"))
    problems = _problems(person)
    _own(problems, "channels", person.team_id, channels or (), MAX_CHANNELS)
    if person.user and not person.user.memberships.filter(team_id=person.team_id).exists():
        problems["user"] = ["Must be a member of the team."]
    _refuse(problems)
    with transaction.atomic():
        _within(Person, person, MAX_PEOPLE)
        person.save()
        if channels is not None:
            person.channels.set(channels)
    return person


def save_rotation(rotation: Rotation, wanted: Mapping[str, Any]) -> Rotation:
    """Create or change a rotation; `people` in the order of turns, with repeats allowed."""
    people = wanted.get("people")
    _set(rotation, wanted, ("name", "zone", "starts_on", "handover", "shift_days"))
    problems = _problems(rotation)
    if not is_zone(rotation.zone):
        problems["zone"] = ["Unknown time zone: use a name such as Europe/Berlin."]
    if isinstance(rotation.starts_on, date) and not is_storable(rotation.starts_on):
        problems["starts_on"] = [YEARS_IN_WORDS]
    _own(problems, "people", rotation.team_id, people or (), MAX_MEMBERS)
    _refuse(problems)
    with transaction.atomic():
        _within(Rotation, rotation, MAX_ROTATIONS)
        rotation.save()
        if people is not None:
            rotation.members.all().delete()
            RotationMember.objects.bulk_create(
                RotationMember(rotation=rotation, person=person, position=place) for place, person in enumerate(people)
            )
    return rotation


def save_override(override: RotationOverride, wanted: Mapping[str, Any]) -> RotationOverride:
    """Add an override."""
    _set(override, wanted, ("person", "starts_at", "ends_at"))
    for name in ("starts_at", "ends_at"):
        if not is_storable(getattr(override, name)):
            raise ValidationError({name: [YEARS_IN_WORDS]})
    if override.starts_at >= override.ends_at:
        raise ValidationError({"ends_at": ["Must end after it starts."]})
    if override.ends_at - override.starts_at > MAX_OVERRIDE:
        raise ValidationError({"ends_at": ["Lasts at most 90 days: change the rotation instead."]})
    problems = _problems(override)
    _own(problems, "person", override.rotation.team_id, [override.person])
    _refuse(problems)
    with transaction.atomic():
        if override._state.adding and override.rotation.overrides.count() >= MAX_OVERRIDES:
            raise ValidationError({"starts_at": [f"At most {MAX_OVERRIDES} overrides; delete what is past."]})
        override.save()
    return override


def save_policy(policy: EscalationPolicy, wanted: Mapping[str, Any]) -> EscalationPolicy:
    """Create or change a policy; `steps` replace all steps: each a delay, channels, people and rotations."""
    steps = wanted.get("steps")
    _set(policy, wanted, ("name", "repeats"))
    problems = _problems(policy)
    if steps is not None and not 1 <= len(steps) <= MAX_STEPS:
        problems["steps"] = [f"A policy has 1 to {MAX_STEPS} steps."]
    for place, step in enumerate(steps or ()):
        if not any(step.get(name) for name in ("channels", "people", "rotations")):
            problems["steps"] = [f"Step {place + 1} has no target."]
        for name in ("channels", "people", "rotations"):
            found: Problems = {}
            _own(found, "steps", policy.team_id, step.get(name) or (), MAX_CHANNELS)
            problems.update(found)
    _refuse(problems)
    with transaction.atomic():
        _within(EscalationPolicy, policy, MAX_POLICIES)
        policy.save()
        if steps is not None:
            policy.steps.all().delete()
            for place, step in enumerate(steps):
                _write_step(policy, place, step)
    return policy


def _write_step(policy: EscalationPolicy, place: int, wanted: Mapping[str, Any]) -> None:
    step = EscalationStep(policy=policy, position=place, delay_s=wanted.get("delay_s", 0))
    step.full_clean()
    step.save()
    step.channels.set(wanted.get("channels") or ())
    step.people.set(wanted.get("people") or ())
    step.rotations.set(wanted.get("rotations") or ())


def _set(row: models.Model, wanted: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name in wanted:
            setattr(row, name, unique_words(wanted[name]))


def _problems(row: models.Model, exclude: Sequence[str] = ()) -> Problems:
    return {**row_problems(row, exclude=["public_id", *exclude])}


def _own(problems: Problems, field: str, team: int, rows: Sequence[Any], most: int = 1) -> None:
    if any(row.team_id != team for row in rows):
        problems[field] = ["Must belong to the same team."]
    elif len(rows) > most:
        problems[field] = [f"At most {most}."]


def _within(model: type[RowT], row: Any, most: int) -> None:
    """Enforce a limit of rows per team."""
    rows: models.Manager[RowT] = model.objects  # type: ignore[attr-defined]
    if row.pk is None and rows.filter(team_id=row.team_id).count() >= most:
        raise ValidationError({"name": [f"At most {most} in a team."]})


def _refuse(problems: Problems) -> None:
    if problems:
        raise ValidationError(problems)
