"""Drafts of what a source describes, before they are checked and written: monitors, heartbeats, channels. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class ImportedMonitor:
    """A monitor of the source in Vigil's terms. `secrets` holds values or references; `origin` is for its comment.

    `channels` are the source's ids of whom it alerts; `notes` say what differs.
    """

    name: str
    kind: str
    config: dict[str, Any]
    origin: str
    secrets: dict[str, str] = field(default_factory=dict)
    interval_s: float = 60
    timeout_s: float | None = None
    sensitivity: str = ""
    priority: str = ""
    tags: list[str] = field(default_factory=list)
    paused: bool = False
    channels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: A preset in place of kind and configuration, with its own fields.
    preset: str = ""


@dataclass(slots=True)
class ImportedHeartbeat:
    """A job's heartbeat: a period, or a schedule in a time zone."""

    name: str
    origin: str
    period_s: float = 86_400
    schedule: str = ""
    time_zone: str = "UTC"
    grace_s: float = 3_600
    tags: list[str] = field(default_factory=list)
    keywords: dict[str, list[str]] = field(default_factory=dict)
    paused: bool = False
    channels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def schedule_field(self) -> str:
        """`cron` or `on_calendar`, told apart as Healthchecks does."""
        is_cron = len(self.schedule.split()) in (5, 6) or self.schedule.startswith("@")
        return "cron" if is_cron else "on_calendar"


@dataclass(slots=True)
class ImportedChannel:
    """A channel; secrets are values or references. `id` is how monitors of the source refer to it.

    `secret_config` are fields of the configuration that are keys to the service, such as an address that takes posts.
    """

    name: str
    kind: str
    config: dict[str, Any]
    origin: str
    id: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    secret_config: tuple[str, ...] = ()


@dataclass(slots=True)
class ImportedMaintenance:
    """Planned times: one window from `starts` to `ends`, or those that begin by `cron` and last `length_s`.

    `monitors` are keys of the document; none stands for every monitor. `counts`: whether its time counts in uptime.
    """

    name: str
    origin: str
    monitors: list[str] = field(default_factory=list)
    starts: datetime | None = None
    ends: datetime | None = None
    cron: str = ""
    length_s: int = 0
    zone: str = "UTC"
    counts: bool = False
    notes: list[str] = field(default_factory=list)
