"""Sections of the API in the OpenAPI document, in the order in which a newcomer needs them."""

from __future__ import annotations

from typing import Any

#: First part of a path -> section. Others are sections of their own.
_SECTIONS = {
    "monitors": "Monitors", "trials": "Monitors", "presets": "Presets", "composites": "Composites",
    "heartbeats": "Heartbeats", "health": "Health", "me": "Access", "tokens": "Access", "teams": "Access",
    "members": "Access",
    "regions": "Regions", "feeds": "Status feeds", "states": "History", "uptime": "History",
    "incidents": "Incidents", "channels": "Channels", "routes": "Routes", "whom": "Routes", "silences": "Silences",
    "providers": "Providers", "detection-leads": "Providers", "region-access": "Providers",
    "people": "On call", "rotations": "On call", "policies": "On call", "deliveries": "Deliveries",
    "notices": "Notices", "models": "Models",
    "self-tests": "Self-tests", "dead-letters": "Dead letters", "objectives": "Objectives", "reports": "Reports",
    "status-pages": "Status pages", "public-incidents": "Status pages", "subscribers": "Status pages",
    "scheduled-maintenances": "Status pages", "publication-rules": "Status pages", "update-templates": "Status pages",
}  # fmt: skip
_HISTORY = frozenset({"checks", "latency", "percentiles", "results", "uptime"})
_DESCRIPTIONS = {
    "Access": "Who the caller is, and the tokens, teams and members that it may see.",
    "Monitors": "What is watched: a kind, its configuration, how often, and from which regions. A deleted monitor is "
    "not listed, and stays in its incidents.",
    "Presets": "Complete monitors of known AI services: give a name and a key to `POST /monitors`.",
    "Composites": "Monitors over monitors. Each has its own incidents, routes and silences, under its monitor id.",
    "Heartbeats": "Jobs that must ping. Each is also a monitor with the same id, which routes and silences use.",
    "Regions": "Places that run checks. They belong to the installation, not to a team.",
    "Status feeds": "Status pages of providers. They are shown beside incidents and never vote. All are off at first.",
    "History": "What was seen: states, uptime, latency, and single checks. Every answer is bounded.",
    "Incidents": "From the first failing observation to resolution, with votes, messages and responses.",
    "Providers": "What providers and their models cost of error budgets, whose fault it was, and who told first.",
    "Channels": "Destinations of alerts. Deleting a channel deletes its deliveries; disable it to keep them.",
    "Routes": "Rules that pick channels and escalation policies. The first match by position wins.",
    "Silences": "Reasons not to alert (mutes), not to check (pauses), or not to count (excludes). An alert within a "
    "window is held, and sent when the window ends if the target is still down.",
    "On call": "People, rotations with their overrides, and escalation policies.",
    "Deliveries": "Every message to every channel, with its reason and its answer.",
    "Models": "Models in use: where, and when each retires. A day holds for its own provider only.",
    "Notices": "Changes and dates ahead, each told once: a retirement, a changed model list. They are no incidents.",
    "Self-tests": "Synthetic incidents that prove that alerts arrive.",
    "Dead letters": "Entries, rows and steps that failed for good. For staff.",
    "Objectives": "Service level objectives over the last days, and their error budgets.",
    "Health": "What `manage.py doctor` finds: processes, regions, channels, history and disk.",
    "Status pages": "Pages that tell others how components are, and the public incidents on them.",
    "Reports": "Mailed reports of finished weeks or months.",
}


def tag_of(path: str) -> str:
    """Section of a path below the version, such as monitors/{public_id}/pause."""
    parts = path.split("/")
    if parts[0] == "monitors" and parts[-1] in _HISTORY:
        return "History"
    return _SECTIONS.get(parts[0], parts[0].replace("-", " ").capitalize())


def described_tags(used: set[str]) -> list[dict[str, Any]]:
    """Sections that are used, each with its description."""
    order = [*_DESCRIPTIONS, *sorted(used - _DESCRIPTIONS.keys())]
    return [{"name": name, "description": _DESCRIPTIONS.get(name, f"{name}.")} for name in order if name in used]
