"""Table of all sections, and the keys that a field names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigil.code.core.fields.structured import KeyType, MembersType, StepsType
from vigil.code.core.fields.types import FieldType, ListType
from vigil.code.core.sections.alerting import CHANNELS, MAINTENANCE, PEOPLE, POLICIES, ROTATIONS, ROUTES, SILENCES
from vigil.code.core.sections.installation import FEEDS, REGIONS
from vigil.code.core.sections.publishing import STATUS_PAGES
from vigil.code.core.sections.reporting import OBJECTIVES, REPORTS
from vigil.code.core.sections.shape import (
    Section,
)
from vigil.code.core.sections.watched import COMPOSITES, HEARTBEATS, MONITORS

#: By name, in the order in which objects can be made: each refers only to earlier ones, but for monitors' parents.
SECTIONS: Mapping[str, Section] = {
    "regions": REGIONS,
    "channels": CHANNELS,
    "people": PEOPLE,
    "rotations": ROTATIONS,
    "policies": POLICIES,
    "monitors": MONITORS,
    "heartbeats": HEARTBEATS,
    "composites": COMPOSITES,
    "routes": ROUTES,
    "silences": SILENCES,
    "maintenance": MAINTENANCE,
    "objectives": OBJECTIVES,
    "reports": REPORTS,
    "status_pages": STATUS_PAGES,
    "feeds": FEEDS,
}


def references_of_field(kind: FieldType, value: Any) -> list[tuple[tuple[str, ...], str]]:
    """Keys that a stored value names, each with the sections in which it may be."""
    if isinstance(kind, KeyType):
        return [(kind.sections, value)] if value else []
    if isinstance(kind, ListType):
        return [found for part in value or () for found in references_of_field(kind.each, part)]
    if isinstance(kind, MembersType):
        return [(kind.ref.sections, key) for link in value or () for key in link["monitors"]]
    if isinstance(kind, StepsType):
        inner = [(part, step.get(stored)) for step in value or () for stored, part in kind.fields.values()]
        return [found for part, given in inner if given for found in references_of_field(part, given)]
    return []
