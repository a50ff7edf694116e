"""Actions on several monitors at once, and their undoing: one transaction each, through the write path of each kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from vigil.accounts.models import Team, User
from vigil.clock import database_now
from vigil.heartbeats.changes import set_paused as set_heartbeat_paused
from vigil.monitors.changes import update_monitor
from vigil.monitors.models import DerivedKind, Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH
from vigil.silences.changes import create_silence, delete_silence
from vigil.silences.models import Silence
from vigil.web.models import BulkAction, BulkKind

MOST = 500
UNDO_LIFE = timedelta(minutes=10)
#: Minutes of a silence, and their words.
SILENCES: Mapping[str, str] = {"30": "30 min", "60": "1 h", "240": "4 h", "1440": "1 day"}
_PRESS = re.compile(r"[0-9a-f]{32}")


class BulkRefused(Exception):
    """The action was not done; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class BulkWish:
    """What a form asks for: the kind, the monitors' public ids, minutes or a tag, and the id of the press."""

    kind: BulkKind
    ids: Sequence[str]
    press: str
    minutes: str = ""
    tag: str = ""


def do(user: User, team: Team, wish: BulkWish) -> BulkAction:
    """Do it, or answer with what the same press has done already; all of it or nothing. Raises `BulkRefused`."""
    if not _PRESS.fullmatch(wish.press):
        raise BulkRefused("This form is too old: open the page again.")
    if not 0 < len(wish.ids) <= MOST:
        raise BulkRefused(f"Pick 1 to {MOST} monitors.")
    try:
        with transaction.atomic():
            action = BulkAction.objects.create(user=user, team=team, press=wish.press, kind=wish.kind)
            monitors = _owned(team, wish.ids)
            action.done = _DEEDS[wish.kind](user, monitors, wish)
            action.said = _said(wish, [one for one in monitors if one.public_id in action.done["monitors"]])
            action.save(update_fields=["done", "said"])
            return action
    except IntegrityError:
        return BulkAction.objects.get(user=user, press=wish.press)
    except ValidationError as refused:
        raise BulkRefused(" ".join(refused.messages)) from None


def undo(user: User, team: Team, public_id: str) -> BulkAction:
    """Restore each monitor as it was, within ten minutes; a second time changes nothing. Raises `BulkRefused`."""
    with transaction.atomic():
        rows = BulkAction.objects.select_for_update()
        action = rows.filter(public_id=public_id, user=user, team=team, at__gt=Now() - UNDO_LIFE).first()
        if action is None:
            raise BulkRefused("This can no longer be undone.")
        if action.undone_at is None:
            _UNDOINGS[BulkKind(action.kind)](action, _owned(team, action.done["monitors"], all_of_them=False))
            action.undone_at = Now()
            action.save(update_fields=["undone_at"])
    return action


def recent(user: User, team: Team) -> list[BulkAction]:
    """What can be undone, newest first."""
    return list(BulkAction.objects.filter(user=user, team=team, undone_at=None, at__gt=Now() - UNDO_LIFE)[:20])


def _owned(team: Team, ids: Sequence[str], all_of_them: bool = True) -> list[Monitor]:
    """Monitors of the team in the order of their keys; the write paths lock each."""
    found = Monitor.objects.filter(team=team, deleted_at=None, public_id__in=list(ids))
    monitors = list(found.select_related("heartbeat", "team").order_by("pk"))
    if all_of_them and len(monitors) < len(set(ids)):
        raise BulkRefused("One of these monitors is gone. Nothing was changed.")
    return monitors


def _pause(user: User, monitors: Sequence[Monitor], wish: BulkWish) -> dict[str, object]:
    paused = wish.kind is BulkKind.PAUSE
    changed = [one for one in monitors if one.paused is not paused]
    set_paused(changed, paused)
    return {"monitors": [one.public_id for one in changed]}


def set_paused(monitors: Iterable[Monitor], paused: bool) -> None:
    """Pause or resume, each through the write path of its kind; select `heartbeat` with them."""
    for one in monitors:
        if one.kind == DerivedKind.HEARTBEAT:
            set_heartbeat_paused(one.heartbeat, paused)
        else:
            update_monitor(one, {"paused": paused})


def _silence(user: User, monitors: Sequence[Monitor], wish: BulkWish) -> dict[str, object]:
    if wish.minutes not in SILENCES:
        raise BulkRefused("Choose how long they are silent.")
    made = silence(user.get_username(), monitors, timedelta(minutes=int(wish.minutes)))
    return {"monitors": [one.public_id for one in monitors], "silence": made.public_id}


def silence(author: str, monitors: Sequence[Monitor], how_long: timedelta) -> Silence:
    """Silence monitors of one team from now on; raises `ValidationError`."""
    now = database_now()
    name = monitors[0].name if len(monitors) == 1 else f"{len(monitors)} monitors"
    made = Silence(team=monitors[0].team, created_by=author[:120])
    return create_silence(made, {"name": name[:100], "starts_at": now, "ends_at": now + how_long}, monitors)


def _tag(user: User, monitors: Sequence[Monitor], wish: BulkWish) -> dict[str, object]:
    tag = wish.tag.strip()
    if not 0 < len(tag) <= MAX_TAG_LENGTH:
        raise BulkRefused(f"A tag has 1 to {MAX_TAG_LENGTH} characters.")
    changed = [one for one in monitors if tag not in one.tags]
    for one in changed:
        update_monitor(one, {"tags": [*one.tags, tag]})
    return {"monitors": [one.public_id for one in changed], "tag": tag}


def _undo_pause(action: BulkAction, monitors: Sequence[Monitor]) -> None:
    was = action.kind != BulkKind.PAUSE
    set_paused([one for one in monitors if one.paused is not was], was)


def _undo_silence(action: BulkAction, monitors: Sequence[Monitor]) -> None:
    made = Silence.objects.filter(public_id=action.done["silence"], team=action.team, valid_until=None).first()
    if made is not None:
        delete_silence(made)


def _undo_tag(action: BulkAction, monitors: Sequence[Monitor]) -> None:
    for one in monitors:
        update_monitor(one, {"tags": [tag for tag in one.tags if tag != action.done["tag"]]})


_DEEDS: Mapping[BulkKind, Callable[[User, Sequence[Monitor], BulkWish], dict[str, object]]] = {
    BulkKind.PAUSE: _pause,
    BulkKind.RESUME: _pause,
    BulkKind.SILENCE: _silence,
    BulkKind.TAG: _tag,
}
_UNDOINGS: Mapping[BulkKind, Callable[[BulkAction, Sequence[Monitor]], None]] = {
    BulkKind.PAUSE: _undo_pause,
    BulkKind.RESUME: _undo_pause,
    BulkKind.SILENCE: _undo_silence,
    BulkKind.TAG: _undo_tag,
}


def _said(wish: BulkWish, changed: Sequence[Monitor]) -> str:
    what = changed[0].name[:80] if len(changed) == 1 else f"{len(changed)}"
    ends = {
        BulkKind.PAUSE: "paused",
        BulkKind.RESUME: "resumed",
        BulkKind.SILENCE: f"silent for {SILENCES.get(wish.minutes, '')}",
        BulkKind.TAG: f"tagged {wish.tag.strip()}",
    }
    return f"{what} {ends[wish.kind]}." if changed else "Nothing had to change."
