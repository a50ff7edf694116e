"""Sections of what is reported: objectives and reports. Pure."""

from __future__ import annotations

from vigil.code.core.fields.times import DurationType
from vigil.code.core.fields.types import FlagType, ListType, NumberType, TextType
from vigil.code.core.sections.shape import (
    DAY_MS,
    SHORT_NAME,
    WATCHED_KEY,
    ZONE,
    Section,
    SectionField,
    one_of,
)
from vigil.history.core.periods import Frequency

OBJECTIVES = Section(
    "objective",
    "Service level objectives of a monitor or a tag.",
    {
        "name": SHORT_NAME,
        "monitor": SectionField(WATCHED_KEY, "The monitor, or give a tag.", None),
        "tag": SectionField(TextType(50, line=True), "All monitors with this tag together.", ""),
        "target": SectionField(NumberType(50, 99.9999, whole=False), "Target uptime in percent.", 99.9),
        "window": SectionField(DurationType(3 * DAY_MS, 90 * DAY_MS, DAY_MS), "The last days that count.", 30),
        "enabled": SectionField(FlagType(), "Whether it is watched.", True),
    },
)
REPORTS = Section(
    "report",
    "Mailed reports of finished weeks or months.",
    {
        "frequency": SectionField(one_of(Frequency), "How often.", required=True),
        "recipients": SectionField(ListType(TextType(254), 50), "Mail addresses.", required=True),
        "zone": ZONE,
        "tag": SectionField(TextType(50, line=True), "Only monitors with this tag.", ""),
        "enabled": SectionField(FlagType(), "Whether it is sent.", True),
    },
)
