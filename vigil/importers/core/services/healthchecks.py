"""Healthchecks: checks of its API (v1 to v3) and of its Terraform provider. Pure."""

from __future__ import annotations

from typing import Any

from vigil.importers.core.drafted import ImportedHeartbeat
from vigil.importers.core.values import entries, number, text, truth


def heartbeat_of(given: dict[str, Any], origin: str) -> ImportedHeartbeat:
    """The heartbeat of a check; its address cannot be kept."""
    name = text(given.get("name")) or text(given.get("slug")) or "check"
    heartbeat = ImportedHeartbeat(name, origin)
    heartbeat.schedule = text(given.get("schedule")).strip()
    heartbeat.time_zone = text(given.get("tz") or given.get("timezone")).strip() or "UTC"
    heartbeat.period_s = number(given.get("timeout")) or 86_400
    heartbeat.grace_s = number(given.get("grace")) or 3_600
    tags = given.get("tags")
    heartbeat.tags = text(tags).split() if isinstance(tags, str) else [text(each) for each in entries(tags)]
    heartbeat.paused = text(given.get("status")) == "paused"
    listed = given.get("channels")
    heartbeat.channels = [each.strip() for each in text(listed).split(",") if each.strip()] if isinstance(
        listed, str) else [text(each) for each in entries(listed)]  # fmt: skip
    words = {"success": "success_kw", "fail": "failure_kw", "start": "start_kw"}
    heartbeat.keywords = {
        ours: [each.strip() for each in text(given.get(theirs)).split(",") if each.strip()]
        for ours, theirs in words.items() if text(given.get(theirs)).strip(" ,")
    }  # fmt: skip
    heartbeat.notes.append("its job has to call the new address, which Vigil shows once it is applied")
    if text(given.get("methods")) == "POST":
        heartbeat.notes.append("pings by GET count here as well")
    if truth(given.get("manual_resume")):
        heartbeat.notes.append("a ping does not end a pause here, as `manual_resume` asks for")
    return heartbeat
