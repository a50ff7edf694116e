"""Fields that every monitor has: name, interval, sensitivity, regions, tags, priority, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError

from consensus.vocabulary import Sensitivity
from probes.probers import PROBERS
from probes.wire import CANARY_KIND
from vigil.accounts.models import Team
from vigil.monitors.changes import default_regions
from vigil.monitors.dependencies import PARENTS_MOST, parents_of
from vigil.monitors.models import Monitor, Priority, Region
from vigil.web.forms.settings_form import Sent
from vigil.web.parts.fields import FormField

REGIONS_SHOWN = 200
#: How long until it pages, by sensitivity: measured, refused and hanging.
_DELAYS = {
    Sensitivity.HIGH: "pages after about 8 s if refused",
    Sensitivity.NORMAL: "pages after about 18 s if refused, 28 s if hanging",
    Sensitivity.LOW: "pages after about 70 s if refused",
}
_OF_EACH = "Time between two checks of one region."
_IN_TURN = "Time between two answers: the regions take turns, and one of them asks."
_LOOKING = "Those that look. An alert needs most of them."
_ASKING = "Those that ask, in turn. An alert needs bad answers in two of them."
Errors = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Watching:
    """Fields of the write path, and the parents."""

    wanted: dict[str, Any]
    parents: list[Monitor]


def watching_texts(monitor: Monitor | None, kind: str = "") -> dict[str, str]:
    """What the fields hold before anything is sent: stored values, or the usual ones of a kind."""
    regions = monitor.regions.all() if monitor is not None and monitor.pk else default_regions()
    shown = monitor or Monitor()
    least_s = PROBERS[kind].least_interval_s if monitor is None and kind else 0
    return {
        "name": shown.name,
        "interval_s": str(max(shown.interval_s, least_s)),
        "timeout_ms": str(shown.timeout_ms),
        "sensitivity": shown.sensitivity,
        "priority": shown.priority,
        "headroom_warning_minutes": str(shown.headroom_warning_minutes or ""),
        "tags": ", ".join(shown.tags),
        "regions": "\n".join(region.slug for region in regions),
        "parents": "\n".join(one.name for one in parents_of(shown)) if shown.pk else "",
    }


def watching_fields(texts: Sent, errors: Errors, kind: str = "") -> list[FormField]:
    """The fields of a kind, with texts as stored or as sent."""
    is_canary = kind == CANARY_KIND
    regions = Region.objects.filter(enabled=True).order_by("slug")[:REGIONS_SHOWN]
    levels = [(level.value, _level(level)) for level in Sensitivity]
    fields = [
        FormField("interval_s", "Interval", kind="number", unit="s", hint=_IN_TURN if is_canary else _OF_EACH),
        FormField("timeout_ms", "Timeout", kind="number", unit="ms", hint="Longest wait for an answer."),
        FormField("sensitivity", "Sensitivity", kind="select", options=levels),
        FormField(
            "regions", "Regions", kind="checks", options=[(one.slug, one.name or one.slug) for one in regions],
            hint=_ASKING if is_canary else _LOOKING,
        ),
        FormField("tags", "Tags", hint="Words between commas, such as prod, chat."),
        FormField(
            "priority", "Priority", kind="select", options=[(one.value, str(one.label)) for one in Priority],
        ),
        FormField(
            "headroom_warning_minutes", "Headroom warning", kind="number", unit="min",
            hint="Warns so long before a quota of its key is used up at the present slope. Empty: never.",
        ),
        FormField(
            "parents", "Needs", kind="textarea",
            hint="Names of monitors, one a line. While one of them fails, alerts of this one are held.",
        ),
    ]  # fmt: skip
    # The last answers of a canary decide, and no looks.
    return [_filled(one, texts, errors) for one in fields if not (is_canary and one.name == "sensitivity")]


def name_field(texts: Sent, errors: Errors) -> FormField:
    """The name."""
    return _filled(FormField("name", "Name", required=True), texts, errors)


def read_watching(team: Team, sent: Sent, regions: list[str], before: Mapping[str, str]) -> Watching:
    """What a sent form means. Raises `ValidationError` by the names of its fields."""
    problems: dict[str, list[str]] = {}
    wanted: dict[str, Any] = {"name": sent.get("name", "").strip()}
    for name in ("interval_s", "timeout_ms"):
        text = sent.get(name, "").strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            wanted[name] = int(text)
        else:
            problems[name] = ["A whole number, such as 60."]
    warning = sent.get("headroom_warning_minutes", before["headroom_warning_minutes"]).strip()
    wanted["headroom_warning_minutes"] = int(warning) if warning.isascii() and warning.isdigit() else None
    if warning and (wanted["headroom_warning_minutes"] is None or len(warning) > 5):
        problems["headroom_warning_minutes"] = ["A whole number of minutes, such as 20, or nothing."]
    for name in ("sensitivity", "priority"):
        wanted[name] = sent.get(name, before[name])
    wanted["tags"] = [word.strip() for word in sent.get("tags", "").split(",") if word.strip()]
    if "\n".join(regions) != before["regions"]:
        wanted["regions"] = list(Region.objects.filter(slug__in=regions[:REGIONS_SHOWN]))
    parents = _parents(team, sent.get("parents", ""), problems)
    if problems:
        raise ValidationError(problems)
    return Watching(wanted, parents)


def _parents(team: Team, text: str, problems: dict[str, list[str]]) -> list[Monitor]:
    names = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(names) > PARENTS_MOST:
        problems["parents"] = [f"At most {PARENTS_MOST}."]
        return []
    found = {one.name: one for one in Monitor.objects.filter(team=team, name__in=names, deleted_at=None)}
    missing = [name for name in names if name not in found]
    if missing:
        problems["parents"] = [f"There is no monitor named {missing[0][:80]}."]
    return list(found.values())


def _level(level: Sensitivity) -> str:
    word = level.value.capitalize()
    return f"{word}: {_DELAYS[level]}" if level in _DELAYS else word


def _filled(one: FormField, texts: Sent, errors: Errors) -> FormField:
    return replace(one, value=texts.get(one.name, ""), errors=errors.get(one.name, ()))
