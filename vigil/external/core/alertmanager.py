"""Alertmanager's webhook payload, version 4, as a group that fires or is resolved. Pure.

Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Grafana's contact point of the kind
webhook sends the same, with more fields and as version 1. A group's key is what its messages
have in common. Of a firing alert `endsAt` is mostly the year 1: then the group is vouched for until it is told again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

#: How long a group without an end is taken for firing: Alertmanager repeats it after four hours unless told otherwise.
VOUCHED = timedelta(hours=24)
#: No group is taken for firing for longer than this after its last message.
VOUCHED_MOST = timedelta(days=7)
#: Alerts of one group: a body of 1 MB holds fewer. The wider the trouble the more there are, and it must be taken.
ALERTS_MOST, LABELS_MOST = 20_000, 64
LINES_MOST, LINE_LIMIT, TITLE_LIMIT = 10, 300, 250

_Text = Annotated[str, msgspec.Meta(max_length=20_000)]
_Labels = Annotated[dict[_Text, _Text], msgspec.Meta(max_length=LABELS_MOST)]


class _ReportedAlert(msgspec.Struct, frozen=True):
    status: Literal["firing", "resolved"]
    labels: _Labels | None = None
    annotations: _Labels | None = None
    generatorURL: str = ""
    startsAt: str = ""  # Alertmanager's name
    endsAt: str = ""


class _ReportedGroup(msgspec.Struct, frozen=True):
    version: Literal["4", "1"]
    groupKey: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    status: Literal["firing", "resolved"]
    groupLabels: _Labels | None = None
    commonLabels: _Labels | None = None
    commonAnnotations: _Labels | None = None
    alerts: Annotated[list[_ReportedAlert], msgspec.Meta(max_length=ALERTS_MOST)] | None = None
    truncatedAlerts: int = 0


@dataclass(frozen=True, slots=True)
class ReportedTrouble:
    """What another system reports: `key` is the same in all its messages of one trouble."""

    key: str
    is_firing: bool
    title: str
    text: str
    started_at: datetime
    ends_at: datetime


class BadReport(ValueError):
    """A payload that is not of this form; the message says what is wrong."""


def read_body(body: bytes, now: datetime, own: str = "") -> ReportedTrouble | None:
    """`read_report` of the text of a request. A text in it may hold anything, and is cleaned: an annotation with a zero
    byte in it must not keep a group from being told."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadReport("This is no JSON.") from None
    return read_report(document, now, own)


def read_report(document: object, now: datetime, own: str = "") -> ReportedTrouble | None:
    """The trouble that a payload tells of; raises `BadReport`.

    None where it is all our own: an alert whose address begins with `own` came from here, and would keep itself open.
    """
    try:
        group = msgspec.convert(document, _ReportedGroup)
    except msgspec.ValidationError as problem:
        raise BadReport(f"This is no payload of an Alertmanager webhook, version 4: {problem}") from None
    alerts = group.alerts or []
    theirs = [alert for alert in alerts if not own or not alert.generatorURL.startswith(own)]
    if alerts and not theirs:
        return None
    firing = [alert for alert in theirs if alert.status == "firing"]
    # Of a group with some of our own, the others alone say whether it fires.
    is_firing = bool(firing) if len(theirs) < len(alerts) else group.status == "firing"
    if is_firing and not firing:
        raise BadReport("The group is firing, and none of its alerts is.")
    starts = [moment for alert in firing if (moment := _moment(alert.startsAt)) is not None and moment <= now]
    return ReportedTrouble(
        key=hashlib.sha256(group.groupKey.encode()).hexdigest()[:40],
        is_firing=is_firing,
        title=_title(group, len(firing) + max(0, group.truncatedAlerts)),
        text=_text(firing, max(0, group.truncatedAlerts)),
        started_at=max(min(starts, default=now), now - VOUCHED_MOST),
        ends_at=_ends_at(firing, now),
    )


def _ends_at(firing: list[_ReportedAlert], now: datetime) -> datetime:
    """The latest end of its alerts, where each has one; else as long as the group is vouched for."""
    ends = [_moment(alert.endsAt) for alert in firing]
    known = [moment for moment in ends if moment is not None and moment > now]
    latest = max(known) if known and len(known) == len(ends) else now + VOUCHED
    return min(latest, now + VOUCHED_MOST)


def _moment(text: str) -> datetime | None:
    """A time in RFC 3339; None for the year 1, and for what is no time."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return found.astimezone(UTC) if found.tzinfo is not None and found.year > 1970 else None
    except (ValueError, OverflowError):
        # The last day of the calendar in one zone may be none in another.
        return None


def _title(group: _ReportedGroup, firing: int) -> str:
    grouped, said_of_all = group.groupLabels or {}, group.commonAnnotations or {}
    labels = group.commonLabels or grouped
    name = labels.get("alertname") or grouped.get("alertname") or "Alerts"
    said = said_of_all.get("summary") or said_of_all.get("title") or ""
    where = labels.get("instance") or labels.get("job") or labels.get("service") or ""
    many = f" ({firing} alerts)" if firing > 1 else ""
    about = said or where
    return _line(f"{name}{many}: {about}" if about else f"{name}{many}", TITLE_LIMIT)


def _text(firing: list[_ReportedAlert], truncated: int) -> str:
    lines = [_line(_told(alert), LINE_LIMIT) for alert in firing[:LINES_MOST]]
    more = len(firing) - len(lines) + truncated
    return "\n".join([*lines, *([f"and {more} more."] if more > 0 else [])])


def _told(alert: _ReportedAlert) -> str:
    labels, annotations = alert.labels or {}, alert.annotations or {}
    said = annotations.get("summary") or annotations.get("description") or ""
    known = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return ": ".join(part for part in (labels.get("alertname", "alert"), said, known) if part)


def _line(text: str, limit: int) -> str:
    """One visible line: names and words come from outside."""
    seen = "".join(character if character.isprintable() else " " for character in text[: limit * 4])
    return " ".join(seen.split())[:limit]
