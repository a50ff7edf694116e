"""Write path of silences: past windows stay, and affected processes are notified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.clock import YEARS_IN_WORDS, database_now, is_storable, is_zone
from vigil.monitors.live.config_channel import notify_silences
from vigil.monitors.models import Monitor, Region
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS
from vigil.silences.core.windows import ScheduleError, check, current
from vigil.silences.models import Silence, new_silence
from vigil.visible_text import is_visible_line, unique_words

MAX_MONITORS, MAX_REGIONS = 1_000, 50
#: Longest one-off silence that is given by its duration (s): a year. A longer one names its end.
MAX_DURATION_S = 366 * 86_400
SETTABLE = frozenset(
    {
        "name", "reason", "mutes", "pauses", "excludes", "every_monitor", "tags", "regions", "starts_at", "ends_at",
        "cron", "duration_s", "zone",
    }
)  # fmt: skip


def create_silence(silence: Silence, wanted: Mapping[str, Any], monitors: Sequence[Monitor] = ()) -> Silence:
    """Create a silence of a team; raises `ValidationError` keyed by field.

    Without `cron` it begins now unless `starts_at` is given, and lasts `duration_s` unless `ends_at` is.
    """
    _set(silence, wanted)
    set_window(silence)
    validate_silence(silence, monitors)
    with transaction.atomic():
        silence.save()
        silence.monitors.set(monitors)
        notify_silences(silence.team_id)
    return silence


def set_window(silence: Silence) -> None:
    """Give a new one-off silence its begin and its end, where they are left out."""
    if not silence.cron:
        silence.starts_at = silence.starts_at or database_now()
        if silence.ends_at is None and 0 < silence.duration_s <= MAX_DURATION_S:
            silence.ends_at = silence.starts_at + timedelta(seconds=silence.duration_s)


def change_silence(silence: Silence, wanted: Mapping[str, Any], monitors: Sequence[Monitor] | None = None) -> Silence:
    """Change a silence from now on; returns the present row. Raises `ValidationError` keyed by field."""
    with transaction.atomic():
        before = Silence.objects.select_for_update().get(pk=silence.pk, valid_until=None)
        watched = list(before.monitors.all())
        about = watched if monitors is None else list(monitors)
        after = Silence.objects.get(pk=before.pk)
        _set(after, wanted)
        validate_silence(after, about)
        if set(about) == set(watched) and all(getattr(after, name) == getattr(before, name) for name in SETTABLE):
            return before
        _replace(before, after, about, _now_for(before))
    return after


def end_now(silence: Silence) -> Silence | None:
    """End the current window; returns the present row, or None if no window is left."""
    with transaction.atomic():
        before = Silence.objects.select_for_update().filter(pk=silence.pk, valid_until=None).first()
        now = database_now()
        window = current(before.schedule, now) if before else None
        if before is None or window is None:
            return before
        if not before.cron:
            _retire(before, now)
            notify_silences(before.team_id)
            return None
        about = list(before.monitors.all())
        after = Silence.objects.get(pk=before.pk)
        _replace(before, after, about, now, window.ends)
        return after


def delete_silence(silence: Silence) -> None:
    """Delete a silence: past windows stay excluded from uptime."""
    with transaction.atomic():
        found = Silence.objects.select_for_update().filter(pk=silence.pk, valid_until=None).first()
        if found is not None:
            _retire(found, _now_for(found))
            notify_silences(found.team_id)


def _now_for(silence: Silence) -> datetime:
    """The present, not before the row began: that may be after this transaction did, which waited for its lock."""
    now = database_now()
    return max(now, silence.valid_from or now)


def validate_silence(silence: Silence, monitors: Sequence[Monitor]) -> None:
    """Validate a silence; raises `ValidationError` keyed by field."""
    silence.full_clean(exclude=["public_id", "tags", "regions"], validate_constraints=False)
    problems: dict[str, list[str]] = {}
    if not (silence.mutes or silence.pauses or silence.excludes):
        problems["mutes"] = ["Must mute, pause or exclude."]
    tags = silence.tags
    if not isinstance(tags, list) or not all(_is_tag(tag) for tag in tags):
        problems["tags"] = ["Must be a list of words."]
    elif len(tags) > MAX_TAGS:
        problems["tags"] = [f"At most {MAX_TAGS} tags."]
    elif not (silence.every_monitor or monitors or tags):
        problems["monitors"] = ["Give monitors or tags, or set it for every monitor."]
    if len(monitors) > MAX_MONITORS:
        problems["monitors"] = [f"At most {MAX_MONITORS} monitors; a tag covers more."]
    if any(monitor.team_id != silence.team_id for monitor in monitors):
        problems["monitors"] = ["Monitors must belong to the silence's team."]
    if silence.regions and (wrong := _wrong_regions(silence)):
        problems["regions"] = [wrong]
    if not is_zone(silence.zone):
        problems["zone"] = ["Unknown time zone: use a name such as Europe/Berlin."]
    else:
        try:
            check(silence.schedule)
        except ScheduleError as refused:
            problems[refused.field] = [str(refused)]
    if problems:
        raise ValidationError(problems)


def _wrong_regions(silence: Silence) -> str:
    """What is wrong with the regions of a silence; empty if nothing is."""
    if not silence.mutes or silence.pauses or silence.excludes:
        return "A silence of regions only mutes: it neither pauses nor excludes."
    named = silence.regions
    if not isinstance(named, list) or not all(isinstance(region, str) for region in named):
        return "Must be a list of regions."
    if len(named) > MAX_REGIONS:
        return f"At most {MAX_REGIONS} regions."
    known = set(Region.objects.filter(slug__in=[region[:100] for region in named]).values_list("slug", flat=True))
    # One that was deleted meanwhile does not stand in the way of a change.
    known |= set(Silence.objects.filter(pk=silence.pk).values_list("regions", flat=True).first() or ())
    strange = next((region for region in named if region not in known), None)
    return "" if strange is None else f"There is no region {strange[:40]!r}."


def _is_tag(tag: object) -> bool:
    return isinstance(tag, str) and 0 < len(tag) <= MAX_TAG_LENGTH and is_visible_line(tag)


def _set(silence: Silence, wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if name not in SETTABLE:
            raise ValidationError({name: ["Cannot be set."]})
        if isinstance(value, datetime) and not is_storable(value):
            raise ValidationError({name: [YEARS_IN_WORDS]})
        setattr(silence, name, unique_words(value) if name in ("tags", "regions") else value)


def _replace(
    before: Silence, after: Silence, about: Sequence[Monitor], now: datetime, valid_from: datetime | None = None
) -> None:
    """End the validity of a row and begin that of its successor, which has its id and the time of its creation."""
    created_at = before.created_at
    after.pk, after.public_id, after.valid_from = None, _retire(before, now), valid_from or now
    after._state.adding = True
    after.save()
    # `auto_now_add` has taken the present, since the row is new.
    Silence.objects.filter(pk=after.pk).update(created_at=created_at)
    after.created_at = created_at
    after.monitors.set(about)
    notify_silences(before.team_id)


def _retire(silence: Silence, now: datetime) -> str:
    """End the validity of a row and free its public id, which is returned."""
    public_id = silence.public_id
    Silence.objects.filter(pk=silence.pk).update(valid_until=now, public_id=new_silence())
    return public_id
