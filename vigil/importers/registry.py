"""Registry of importers: the sources by name, and which one a file is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigil.importers.core.report import SourceError
from vigil.importers.files import decoded, parse_json, parse_yaml, read_bytes, starts_with
from vigil.importers.source import ImportSource
from vigil.importers.sources import gatus, hosted, kuma, litellm, prometheus, terraform, upptime

IMPORTERS: dict[str, ImportSource] = {
    "uptime-kuma": kuma.SOURCE,
    "gatus": gatus.SOURCE,
    "prometheus": prometheus.SOURCE,
    "upptime": upptime.SOURCE,
    "uptimerobot": hosted.UPTIMEROBOT,
    "betterstack": hosted.BETTERSTACK,
    "healthchecks": hosted.HEALTHCHECKS,
    "terraform": terraform.SOURCE,
    "litellm": litellm.SOURCE,
}


def source_of(path: Path) -> str:
    """Name of the source that a file is of; raises `SourceError` where that is not plain."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder: name the source, one of {', '.join(IMPORTERS)}")
    # A database may be larger than any configuration.
    if starts_with(path, kuma.SQLITE):
        return "uptime-kuma"
    document = parsed(decoded(read_bytes(path), str(path)), str(path))
    fitting = [name for name, source in IMPORTERS.items() if source.is_like is not None and source.is_like(document)]
    if len(fitting) != 1:
        raise SourceError(f"{path} does not say which tool wrote it: name the source, one of {', '.join(IMPORTERS)}")
    return fitting[0]


def parsed(text: str, name: str) -> Any:
    """A file of either form; JSON first, which is faster."""
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        try:
            documents = parse_json(text, name)
            return documents[0] if len(documents) == 1 else documents
        except SourceError:
            pass
    return parse_yaml(text, name)
