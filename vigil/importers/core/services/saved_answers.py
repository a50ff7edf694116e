"""Saved answers of the APIs of UptimeRobot, Better Stack and Healthchecks: pages in any envelope. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedHeartbeat
from vigil.importers.core.report import SourceError
from vigil.importers.core.services import betterstack, healthchecks, uptimerobot
from vigil.importers.core.values import mapping, mappings, text

_ENVELOPES = ("data", "monitors", "heartbeats", "checks", "items", "results")


def rows_of(pages: list[Any]) -> Iterator[dict[str, Any]]:
    """Every object of all pages: out of an envelope, a bare list, or alone."""
    for page in pages:
        if isinstance(page, list):
            yield from rows_of(page)
        elif isinstance(page, dict):
            listed = next((page[name] for name in _ENVELOPES if isinstance(page.get(name), list)), None)
            inner = next(
                (page[name] for name in ("data", "monitor", "check") if isinstance(page.get(name), dict)), None
            )
            yield from mappings(listed) if listed is not None else iter([inner if inner is not None else page])


def plan_uptimerobot(pages: list[Any], draft: Draft) -> None:
    """Add every monitor; raises `SourceError`."""
    rows = [
        row
        for row in rows_of(pages)
        if "type" in row and ("friendlyName" in row or "friendly_name" in row or "url" in row)
    ]
    _require(rows, "of UptimeRobot's monitors: save GET /v3/monitors")
    for row in rows:
        origin = f"UptimeRobot monitor {text(row.get('id'))}"
        made = uptimerobot.watched_of(draft, row, origin)
        if isinstance(made, str):
            draft.refuse("monitor", text(row.get("friendlyName") or row.get("friendly_name")), made)
        elif isinstance(made, ImportedHeartbeat):
            draft.add_heartbeat(made)
        else:
            draft.add_monitor(made)


def plan_betterstack(pages: list[Any], draft: Draft) -> None:
    """Add every monitor and heartbeat; raises `SourceError`."""
    rows = [row for row in rows_of(pages) if isinstance(row.get("attributes"), dict)]
    _require(rows, "of Better Stack's monitors: save GET /api/v2/monitors, and /heartbeats")
    for row in rows:
        given, kind, id = mapping(row["attributes"]), text(row.get("type")), text(row.get("id"))
        if kind == "heartbeat" or ("period" in given and "monitor_type" not in given):
            draft.add_heartbeat(betterstack.heartbeat_of(given, f"Better Stack heartbeat {id}"))
        elif kind in ("monitor", "") or "monitor_type" in given:
            made = betterstack.monitor_of(draft, given, f"Better Stack monitor {id}")
            if isinstance(made, str):
                draft.refuse("monitor", text(given.get("pronounceable_name") or given.get("url")), made)
            else:
                draft.add_monitor(made)
        else:
            draft.refuse(kind, text(given.get("name") or id), "nothing in a vigil.yaml stands for it")


def plan_healthchecks(pages: list[Any], draft: Draft) -> None:
    """Add every check; raises `SourceError`."""
    channels = [each for page in pages if isinstance(page, dict) for each in mappings(page.get("channels"))]
    rows = [row for row in rows_of(pages) if "grace" in row and ("timeout" in row or "schedule" in row)]
    _require(rows, "of Healthchecks' checks: save GET /api/v3/checks/")
    for each in channels:
        why = "its API tells no address: make the channel by hand"
        draft.refuse("channel", text(each.get("name")) or text(each.get("kind")), why)
    for row in rows:
        draft.add_heartbeat(healthchecks.heartbeat_of(row, f"Healthchecks check {text(row.get('name'))}"))
    if any("unique_key" in row and "uuid" not in row for row in rows):
        draft.note("the key may only read, so no ping address is in the answers")


def _require(rows: list[dict[str, Any]], what: str) -> None:
    if not rows:
        raise SourceError(f"this is no answer {what}")
