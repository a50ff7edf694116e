"""Prometheus with blackbox_exporter: prometheus.yml and what it names, blackbox.yml beside it, or a folder of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigil.importers.core.prometheus.document import OBJECTS, PrometheusFiles, plan
from vigil.importers.core.report import SourceError
from vigil.importers.core.values import entries, mapping, mappings, text
from vigil.importers.files import FILES_MOST, YAML_MOST, decoded, listed, parse_yaml, read_bytes
from vigil.importers.source import ImportSource

_IN_VALUES = (
    ("prometheus", "prometheusSpec", "additionalScrapeConfigs"), ("extraScrapeConfigs",),
    ("serverFiles", "prometheus.yml"),
)  # fmt: skip
_SUFFIXES = (".yml", ".yaml", ".json")
_BESIDE = ("blackbox.yml", "blackbox.yaml", "blackbox_exporter.yml", "blackbox/blackbox.yml", "blackbox/config.yml",
           "blackbox-exporter/blackbox.yml", "blackbox_exporter/blackbox.yml")  # fmt: skip


def read(path: Path) -> PrometheusFiles:
    """Every file that belongs to it; none outside the folder of the configuration is opened."""
    files = PrometheusFiles([])
    if path.is_dir():
        for each in listed(path, _SUFFIXES):
            _add(files, each, path, strict=False)
        return files
    folder = path.parent
    _add(files, path, folder, strict=True)
    for name in _BESIDE:
        if not files.modules and (folder / name).is_file():
            _add(files, folder / name, folder, strict=False)
    return files


def _add(files: PrometheusFiles, path: Path, root: Path, strict: bool) -> None:
    """Add one file by what it holds; in a folder, others are passed over."""
    try:
        content = parse_yaml(decoded(read_bytes(path, YAML_MOST), str(path)), str(path))
    except SourceError as problem:
        if strict:
            raise
        files.notes.append(f"passed over: {problem}")
        return
    for document in _unwrapped(content, str(path)):
        if isinstance(document.get("modules"), dict):
            # A file of snmp_exporter has modules as well.
            files.modules |= {name: each for name, each in document["modules"].items() if mapping(each).get("prober")}
        elif document.get("groups") or document.get("kind") == "PrometheusRule":
            files.rules.append(document)
        elif document.get("scrape_configs") or document.get("scrape_config_files") or document.get("kind") in OBJECTS:
            files.configs.append(document)
            _follow(files, document, path.parent, root)


def _unwrapped(content: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for document in [content] if isinstance(content, dict) else list(mappings(content)):
        if document.get("kind") == "ConfigMap":
            for file, inside in mapping(document.get("data")).items():
                if file.endswith(_SUFFIXES) and isinstance(inside, str):
                    found += _unwrapped(parse_yaml(inside, f"{name}: {file}"), name)
        else:
            found.append(document)
            # Charts take jobs among their values, as a list or as a text.
            for place in _IN_VALUES:
                inside = _at(mapping(mapping(document.get("spec")).get("values")) or document, place)
                jobs = parse_yaml(inside, f"{name}: {place[-1]}") if isinstance(inside, str) else inside
                if isinstance(jobs, list):
                    found.append({"scrape_configs": jobs})
                elif isinstance(jobs, dict):
                    found.append(jobs)
    return found


def _at(document: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        document = mapping(document).get(name)
    return document


def _follow(files: PrometheusFiles, document: dict[str, Any], folder: Path, root: Path) -> None:
    """Open the files that a configuration names: more jobs, targets and rules."""
    for pattern in entries(document.get("scrape_config_files")):
        for each in _matching(files, text(pattern), folder, root):
            inside = parse_yaml(decoded(read_bytes(each, YAML_MOST), str(each)), str(each))
            jobs = {"scrape_configs": mapping(inside).get("scrape_configs"), "global": document.get("global")}
            files.configs.append(jobs)
            _follow(files, {"scrape_configs": jobs["scrape_configs"]}, each.parent, root)
    for pattern in entries(document.get("rule_files")):
        for each in _matching(files, text(pattern), folder, root):
            files.rules.append(parse_yaml(decoded(read_bytes(each, YAML_MOST), str(each)), str(each)))
    for job in mappings(document.get("scrape_configs")):
        for discovery in mappings(job.get("file_sd_configs")):
            for pattern in map(text, entries(discovery.get("files"))):
                files.targets[pattern] = [
                    parse_yaml(decoded(read_bytes(each, YAML_MOST), str(each)), str(each))
                    for each in _matching(files, pattern, folder, root)
                ]


def _matching(files: PrometheusFiles, pattern: str, folder: Path, root: Path) -> list[Path]:
    """Files of a pattern below the root. An absolute one, as in a container, is looked for by its last parts."""
    parts = [part for part in Path(pattern).parts if part not in ("/", "..", ".")]
    within = root.resolve()
    for start in range(len(parts)):
        try:
            found = sorted(folder.glob("/".join(parts[start:])))
        except (ValueError, NotImplementedError, OSError):
            break
        inside = [each for each in found if each.is_file() and each.resolve().is_relative_to(within)]
        if inside:
            return inside[:FILES_MOST]
    files.notes.append(f"nothing is at {pattern[:100]!r}: put its files beside the configuration")
    return []


def is_like(document: Any) -> bool:
    try:
        found = _unwrapped(document, "the file")
    except SourceError:
        return False
    return any(isinstance(each.get("scrape_configs"), list) or each.get("kind") in OBJECTS for each in found)


SOURCE = ImportSource("Prometheus with blackbox_exporter: prometheus.yml, or its folder", read, plan, is_like)
