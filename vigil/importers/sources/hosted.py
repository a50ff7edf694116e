"""Hosted services: saved answers of their APIs in one or more files, or the API itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vigil.importers.api import ApiClient, next_link
from vigil.importers.core.draft import Draft
from vigil.importers.core.services.saved_answers import plan_betterstack, plan_healthchecks, plan_uptimerobot, rows_of
from vigil.importers.core.values import mapping
from vigil.importers.files import decoded, listed, parse_json, read_bytes
from vigil.importers.source import Api, ImportSource


def read(path: Path) -> list[Any]:
    """Every page: of a file with one or several documents, or of a folder of such files."""
    paths = listed(path, (".json", ".jsonl", ".ndjson")) if path.is_dir() else [path]
    return [page for each in paths for page in parse_json(decoded(read_bytes(each), str(each)), str(each))]


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _pages_of(*parts: str) -> Callable[[ApiClient, str], list[Any]]:
    def fetch(client: ApiClient, url: str) -> list[Any]:
        return [page for part in parts for page in client.pages(f"{url.rstrip('/')}/{part}", next_link)]

    return fetch


def _source(
    words: str, plan: Callable[[list[Any], Draft], None], is_row: Callable[[dict[str, Any]], bool], reading: Api
) -> ImportSource:
    def is_like(document: Any) -> bool:
        first = next(rows_of([document]), {})
        return is_row(first)

    return ImportSource(words, read, plan, is_like, reading)


UPTIMEROBOT = _source(
    "UptimeRobot: saved answers of GET /v3/monitors",
    plan_uptimerobot,
    lambda row: "type" in row and ("friendlyName" in row or "friendly_name" in row),
    Api("https://api.uptimerobot.com/v3", "UPTIMEROBOT_API_KEY", _bearer, _pages_of("monitors")),
)
BETTERSTACK = _source(
    "Better Stack: saved answers of GET /api/v2/monitors and /heartbeats",
    plan_betterstack,
    lambda row: (
        "attributes" in row and ("monitor_type" in mapping(row["attributes"]) or row.get("type") == "heartbeat")
    ),
    Api("https://uptime.betterstack.com/api/v2", "BETTERSTACK_API_TOKEN", _bearer, _pages_of("monitors", "heartbeats")),
)
HEALTHCHECKS = _source(
    "Healthchecks: saved answers of GET /api/v3/checks/",
    plan_healthchecks,
    lambda row: "grace" in row and ("timeout" in row or "schedule" in row),
    Api("https://healthchecks.io/api/v3", "HEALTHCHECKS_API_KEY", lambda key: {"x-api-key": key}, _pages_of("checks/")),
)
