"""Whom a step of an escalation policy means at a moment: channels, people's channels, whoever is on call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vigil.alerts.core.rotation import who_is_on_call
from vigil.alerts.models import Channel, EscalationPolicy, EscalationStep, Person, Rotation


@dataclass(frozen=True, slots=True)
class Targets:
    """The channels of a step, in words who they are, and in words what leads nowhere."""

    channels: frozenset[int]
    words: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()


def steps_of(policy: int) -> list[EscalationStep]:
    """The steps of a policy in their order, with everything that `targets_of` needs."""
    steps = EscalationStep.objects.filter(policy_id=policy).order_by("position", "id")
    return list(steps.select_related("policy").prefetch_related("channels", "people__channels", "rotations__overrides"))


def policy_name(policy: int) -> str:
    return EscalationPolicy.objects.filter(pk=policy).values_list("name", flat=True).first() or "a policy"


def targets_of(step: EscalationStep, at: datetime) -> Targets:
    """Whom a step means at a moment."""
    channels: set[int] = set()
    words: list[str] = []
    nowhere: list[str] = []
    for channel in step.channels.all():
        _add(channel.name, _usable([channel]), channels, words, nowhere)
    for person in step.people.all():
        _add(person.name, _usable(person.channels.all()), channels, words, nowhere)
    for rotation in step.rotations.all():
        holder, why = on_call(rotation, at)
        if holder is None:
            nowhere.append(f"{rotation.name}: {why}")
        else:
            _add(f"{holder.name} ({rotation.name})", _usable(holder.channels.all()), channels, words, nowhere)
    return Targets(frozenset(channels), tuple(words), tuple(nowhere))


def on_call(rotation: Rotation, at: datetime) -> tuple[Person | None, str]:
    """Who is on call in a rotation at a moment, or why nobody is."""
    shift = who_is_on_call(rotation.rota, at)
    if shift is None:
        return None, "nobody is on call"
    return Person.objects.prefetch_related("channels").filter(pk=shift.person).first(), "nobody is on call"


def _usable(channels: object) -> set[int]:
    return {channel.pk for channel in channels if isinstance(channel, Channel) and channel.enabled}  # type: ignore[attr-defined]


def _add(word: str, found: set[int], channels: set[int], words: list[str], nowhere: list[str]) -> None:
    channels |= found
    if found:
        words.append(word)
    else:
        nowhere.append(f"{word}: no channel that is switched on")
