"""Routes of imported channels: one for each, by a tag on the monitors that alert it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vigil.importers.core.names import TAG_MOST, TAGS_MOST

ROUTES_MOST = 200


def routes_of(
    attached: Mapping[str, Sequence[str]], watched: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Routes by key, and notes. Monitors that not all alert a channel get a tag in `watched`, which is changed."""
    routes: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    for channel, keys in sorted(attached.items()):
        if len(routes) == ROUTES_MOST:
            notes.append(f"only {ROUTES_MOST} channels have a route: arrange the others by hand")
            break
        route: dict[str, Any] = {"channels": [channel], "goes_on": True}
        if set(keys) < set(watched):
            tag = f"alerts-{channel}"[:TAG_MOST]
            crowded = [key for key in dict.fromkeys(keys) if key in watched and not _tag(watched[key], tag)]
            if crowded:
                notes.append(f"{len(crowded)} monitors have no room for the tag {tag}, by which {channel} is alerted")
            route = {"tags": [tag], **route}
        routes[f"to-{channel}"[:60]] = route
    return routes, notes


def _tag(entry: dict[str, Any], tag: str) -> bool:
    tags = entry.setdefault("tags", [])
    if len(tags) < TAGS_MOST:
        tags.append(tag)
        return True
    return False
