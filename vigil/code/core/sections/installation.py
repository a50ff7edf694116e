"""Sections of what belongs to the installation and to no team: regions, and feeds of providers. Pure."""

from __future__ import annotations

from vigil.code.core.fields.types import PLAIN_NAME_PATTERN, ChoiceType, FlagType, PlainNameType
from vigil.code.core.sections.shape import SHORT_NAME, Section, SectionField

#: Their keys are their identities, so that nothing gets a new one; only staff changes them.
INSTALLATION = ("regions", "feeds")
REGIONS = Section(
    "region",
    "Regions, by their names. They belong to the installation: only staff changes them. Codes of workers are in no "
    "file: `region rotate NAME` prints the line of a new one.",
    {
        "name": SHORT_NAME,
        "domain": SectionField(PlainNameType(), "What it can fail together with: its provider.", required=True),
        "egress": SectionField(ChoiceType(("public", "private")), "Where its worker is meant to dial.", "public"),
        "enabled": SectionField(FlagType(), "Whether it is sent checks; left as it is if not given."),
    },
    most=500,
    key_pattern=PLAIN_NAME_PATTERN,
)
FEEDS = Section(
    "feed",
    "Status feeds of providers, by the name of the provider. They belong to the installation: only staff changes them.",
    {"enabled": SectionField(FlagType(), "Whether it is read.", True)},
    most=200,
)
