"""LiteLLM: the `config.yaml` of a proxy, with the files that it includes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigil.importers.core.litellm import plan
from vigil.importers.core.report import SourceError
from vigil.importers.core.values import plain
from vigil.importers.source import ImportSource
from vigil.monitors.core.litellm_targets import BadConfig
from vigil.monitors.litellm_file import read_config


def read(path: Path) -> Any:
    try:
        return plain(read_config(path))
    except BadConfig as problem:
        raise SourceError(str(problem)) from None


def is_like(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("model_list"), list)


SOURCE = ImportSource("LiteLLM: the config.yaml of the proxy", read, plan, is_like)
