"""Sections of what is watched: monitors, heartbeats, composites. Pure."""

from __future__ import annotations

from consensus.vocabulary import Sensitivity
from vigil.code.core.fields.structured import MembersType, ObjectType
from vigil.code.core.fields.times import DurationType, ZoneType
from vigil.code.core.fields.types import FlagType, ListType, NumberType, TextType
from vigil.code.core.sections.shape import (
    DAY_MS,
    MINUTE,
    NAME,
    PAUSED,
    PRIORITY_FIELD,
    SECOND,
    TAGS,
    WATCHED_KEY,
    Section,
    SectionField,
    one_of,
    words_of,
)
from vigil.monitors.core.composite_rules import CompositeRule

MONITORS = Section(
    "monitor",
    "Monitors. Give a kind (http, tcp, ...) with its config, or a preset.",
    {
        "name": NAME,
        "interval": SectionField(DurationType(5 * SECOND, DAY_MS), "Time between two checks of one region.", 60),
        "timeout": SectionField(DurationType(100, MINUTE, 1), "Longest wait for an answer.", 10_000),
        "sensitivity": SectionField(one_of(Sensitivity), "How many looks an alert needs.", "normal"),
        "priority": PRIORITY_FIELD,
        "headroom_warning": SectionField(
            DurationType(5 * MINUTE, DAY_MS, MINUTE), "Warns so long before a quota of its key ends.", None
        ),
        "tags": TAGS,
        "regions": SectionField(words_of(50, 40), "Regions that check; every enabled region if left out."),
        "paused": PAUSED,
        "parents": SectionField(ListType(WATCHED_KEY, 20), "Monitors without which this one cannot be well.", []),
    },
    kinds="prober",
    grouped=(
        "interval",
        "timeout",
        "sensitivity",
        "priority",
        "headroom_warning",
        "tags",
        "regions",
        "paused",
        "parents",
    ),
    most=20_000,
)
HEARTBEATS = Section(
    "heartbeat",
    "Heartbeats: jobs that call. Give `every`, `cron` or `on_calendar`.",
    {
        "name": NAME,
        "every": SectionField(DurationType(MINUTE, 365 * DAY_MS), "Period of the job.", None),
        "cron": SectionField(TextType(200), "Cron expression, such as 0 3 * * *.", None),
        "on_calendar": SectionField(TextType(200), "Expression of a systemd timer.", None),
        "time_zone": SectionField(ZoneType(), "Time zone of `cron` and `on_calendar`.", "UTC"),
        "grace": SectionField(DurationType(MINUTE, 365 * DAY_MS), "How late a ping may be.", 3_600),
        "run_limit": SectionField(DurationType(MINUTE, 365 * DAY_MS), "Longest run.", None),
        "slug": SectionField(TextType(100), "Name in addresses of pings; made from the name if left out."),
        "wakes_on_ping": SectionField(FlagType(), "Whether a ping ends a pause.", False),
        "keywords": SectionField(ObjectType(), "Words in a body: success, fail, start, otherwise.", {}),
        "budget": SectionField(
            ObjectType(), "Limits of a run: min_items, max_tokens, max_cost, max_duration_s, max_logs.", {}
        ),
        "priority": PRIORITY_FIELD,
        "tags": TAGS,
        "paused": PAUSED,
    },
    grouped=("priority", "tags"),
    most=20_000,
)
COMPOSITES = Section(
    "composite",
    "Composites: monitors over monitors, such as a provider with its fallbacks.",
    {
        "name": NAME,
        "rule": SectionField(one_of(CompositeRule), "How many members must be up.", required=True),
        "k": SectionField(NumberType(1, 200), "For `at_least`.", 1),
        "members": SectionField(
            MembersType(WATCHED_KEY), "Keys; in a chain or readiness the first serves, then the next.", required=True
        ),
        "tags": TAGS,
        "paused": PAUSED,
    },
    grouped=("tags",),
    most=2_000,
)
