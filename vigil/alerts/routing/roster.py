"""Who can be told in a team, read as a whole: five queries, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from vigil.alerts.models import Channel, EscalationStep, Person, Rotation, RotationMember, RotationOverride, Route
from vigil.database.known_relations import know_related

RowT = TypeVar("RowT", bound=Model)


@dataclass(frozen=True, slots=True)
class Roster:
    """Rows of a team by key, in their usual order, each with its relations; steps by policy, and enabled routes."""

    channels: Mapping[int, Channel]
    people: Mapping[int, Person]
    rotations: Mapping[int, Rotation]
    steps: Mapping[int, Sequence[EscalationStep]]
    routes: Sequence[Route]

    @classmethod
    def read(cls, team: int) -> Roster:
        channels = {one.pk: one for one in Channel.objects.filter(team_id=team)}
        people = {one.pk: one for one in _linked(Person, "channels").filter(team_id=team)}
        rotations = {one.pk: one for one in _rotations(team)}
        steps = _linked(EscalationStep, "channels", "people", "rotations").select_related("policy")
        by_policy: dict[int, list[EscalationStep]] = {}
        for step in steps.filter(policy__team_id=team).order_by("position", "id"):
            _know_linked(step, channels=channels, people=people, rotations=rotations)
            by_policy.setdefault(step.policy_id, []).append(step)
        routes = list(_linked(Route, "channels").filter(team_id=team, enabled=True).order_by("position", "id"))
        for row in (*people.values(), *routes):
            _know_linked(row, channels=channels)
        return cls(channels, people, rotations, by_policy, routes)


def _linked(model: type[RowT], *names: str) -> QuerySet[RowT]:
    """Rows with the keys of these relations, as `channels_keys`."""
    keys: dict[str, Any] = {}
    for name in names:
        field: Any = model._meta.get_field(name)
        links = field.remote_field.through.objects.filter(**{field.m2m_field_name(): OuterRef("pk")})
        keys[f"{name}_keys"] = ArraySubquery(links.values(f"{field.m2m_reverse_field_name()}_id"))
    return model._default_manager.annotate(**keys)


def _know_linked(row: Model, **known: Mapping[int, Model]) -> None:
    for name, rows in known.items():
        keys = set(getattr(row, f"{name}_keys"))
        know_related(row, name, [one for key, one in rows.items() if key in keys])


def _rotations(team: int) -> Iterator[Rotation]:
    members = RotationMember.objects.filter(rotation=OuterRef("pk")).order_by("position", "id")
    overrides = RotationOverride.objects.filter(rotation=OuterRef("pk")).order_by("id")
    told = JSONObject(person="person_id", starts="starts_at", ends="ends_at")
    found = Rotation.objects.filter(team_id=team).annotate(
        turns=ArraySubquery(members.values("person_id")), covers=ArraySubquery(overrides.values(told=told))
    )
    for rotation in found:
        row: Any = rotation
        turns = enumerate(row.turns)
        know_related(row, "members", [RotationMember(rotation=row, person_id=key, position=at) for at, key in turns])
        know_related(row, "overrides", [_override(row, cover) for cover in row.covers])
        yield rotation


def _override(rotation: Rotation, cover: Mapping[str, Any]) -> RotationOverride:
    starts, ends = (datetime.fromisoformat(cover[name]) for name in ("starts", "ends"))
    return RotationOverride(rotation=rotation, person_id=cover["person"], starts_at=starts, ends_at=ends)
