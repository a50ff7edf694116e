"""Sections of who is told: channels, routes, people, rotations, policies, silences. Pure."""

from __future__ import annotations

from vigil.alerts.core.routes import ROUTE_KINDS, Severity
from vigil.code.core.fields.structured import KeyType, StepsType
from vigil.code.core.fields.times import ClockTimeType, DayType, DurationType, MomentType, WeekdayType
from vigil.code.core.fields.types import ChoiceType, FlagType, ListType, NumberType, TextType
from vigil.code.core.sections.shape import (
    CHANNEL_KEYS,
    DAY_MS,
    MINUTE,
    PRIORITY,
    SHORT_NAME,
    WATCHED_KEY,
    ZONE,
    Section,
    SectionField,
    one_of,
    words_of,
)

CHANNELS = Section(
    "channel",
    "Channels: destinations of alerts. Give a kind (slack, pagerduty, ...) with its config.",
    {
        "name": SHORT_NAME,
        "enabled": SectionField(FlagType(), "Left as it is if not given."),
        "fallback": SectionField(FlagType(), "Used only when no other channel accepted an alert in time.", False),
        "gather": SectionField(FlagType(), "In a storm, one message for many incidents.", True),
        "notices": SectionField(FlagType(), "Also send notices; kinds that page people get none.", True),
        "self_test": SectionField(DurationType(0, 365 * DAY_MS, MINUTE), "Time between self-tests; 0s for none.", 0),
    },
    kinds="channel",
)
ROUTES = Section(
    "route",
    "Routes: which incidents go to which channels. The first match by position wins.",
    {
        "name": SHORT_NAME,
        "position": SectionField(NumberType(0, 2**31 - 1), "Order; by default that of the document: 10, 20, 30, ..."),
        "kinds": SectionField(
            ListType(ChoiceType(ROUTE_KINDS)),
            "Kinds of incidents; all that page, and notices, if left out.",
            [],
        ),
        "severities": SectionField(ListType(one_of(Severity)), "Severities; all if left out.", []),
        "priorities": SectionField(ListType(PRIORITY), "Priorities; all if left out.", []),
        "tags": SectionField(words_of(20), "Monitors with any of these tags; all if left out.", []),
        "monitor": SectionField(WATCHED_KEY, "Only this monitor.", None),
        "days": SectionField(ListType(WeekdayType()), "Days of the week; all if left out.", []),
        "starts": SectionField(ClockTimeType(), "Start of the time of day.", None),
        "ends": SectionField(ClockTimeType(), "End of the time of day.", None),
        "zone": ZONE,
        "channels": SectionField(CHANNEL_KEYS, "Channels that are told.", []),
        "policy": SectionField(KeyType(("policies",)), "Escalation policy.", None),
        "remind": SectionField(
            DurationType(MINUTE, 7 * DAY_MS), "Time between reminders until a person acknowledges.", None
        ),
        "notes": SectionField(FlagType(), "Also send notes between trigger and resolve.", False),
        "goes_on": SectionField(FlagType(), "After a match, let the next routes match too.", False),
        "default": SectionField(FlagType(), "Matches when no other route did.", False),
        "enabled": SectionField(FlagType(), "Whether it is used.", True),
    },
    most=200,
)
PEOPLE = Section(
    "person",
    "People to call, and the channels that reach them.",
    {"name": SHORT_NAME, "channels": SectionField(CHANNEL_KEYS, "Their channels; all are used at once.", [])},
)
ROTATIONS = Section(
    "rotation",
    "Rotations: people who take turns on call. Overrides are not part of the document.",
    {
        "name": SHORT_NAME,
        "zone": ZONE,
        "starts_on": SectionField(DayType(), "The day of the first turn.", required=True),
        "handover": SectionField(ClockTimeType(), "Time of the handover.", "09:00:00"),
        "shift": SectionField(DurationType(DAY_MS, 90 * DAY_MS, DAY_MS), "Length of a turn, in days.", 7),
        "people": SectionField(
            ListType(KeyType(("people",)), 100, ordered=True, repeats=True),
            "Keys of people, in the order of turns.",
            [],
        ),
    },
    most=200,
)
POLICIES = Section(
    "policy",
    "Escalation policies: whom to call, step by step, until a person acknowledges.",
    {
        "name": SHORT_NAME,
        "repeats": SectionField(NumberType(0, 20), "How often it repeats after its last step.", 0),
        "steps": SectionField(
            StepsType(
                {
                    "after": ("delay_s", DurationType(0, DAY_MS)),
                    "channels": ("channels", CHANNEL_KEYS),
                    "people": ("people", ListType(KeyType(("people",)), 50)),
                    "rotations": ("rotations", ListType(KeyType(("rotations",)), 50)),
                }
            ),
            "Each a delay after the step before, and channels, people or rotations.",
            required=True,
        ),
    },
    most=200,
)
_WINDOWS = {
    "name": SHORT_NAME,
    "reason": SectionField(TextType(500, empty=True), "The reason, for other people.", ""),
    "mutes": SectionField(FlagType(), "Alerts are held, and sent at its end if still due.", True),
    "pauses": SectionField(FlagType(), "Nothing is checked; that time does not count in uptime.", False),
    "excludes": SectionField(FlagType(), "Time within it does not count in uptime.", False),
    "every_monitor": SectionField(FlagType(), "Whether it is about every monitor.", False),
    "monitors": SectionField(ListType(WATCHED_KEY), "Monitors that it is about.", []),
    "tags": SectionField(words_of(20), "Monitors with any of these tags.", []),
    "regions": SectionField(words_of(50, 40), "Only alerts of regional incidents in these regions.", []),
    "starts_at": SectionField(MomentType(), "Start of a single window.", None),
    "ends_at": SectionField(MomentType(), "End of a single window.", None),
    "cron": SectionField(TextType(100), "Start of each window: 30 2 * * SUN.", ""),
    "duration": SectionField(DurationType(0, 365 * DAY_MS), "Length of each window of `cron`.", 0),
    "zone": ZONE,
}
SILENCES = Section("silence", "Silences: times in which alerts are held.", _WINDOWS)
MAINTENANCE = Section(
    "maintenance",
    "Maintenance windows: silences whose time does not count in uptime.",
    _WINDOWS | {"excludes": SectionField(FlagType(), "Time within it does not count in uptime.", True)},
)
