"""Source interface: what the command needs of a tool whose configuration can be imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vigil.importers.api import ApiClient
from vigil.importers.core.draft import Draft


@dataclass(frozen=True, slots=True)
class Api:
    """An API that can be read in place of a file: its address, the variable that holds its key, and the headers that
    carry one. `fetch` reads every page below an address."""

    url: str
    key_variable: str
    headers: Callable[[str], dict[str, str]]
    fetch: Callable[[ApiClient, str], Any]


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A tool. `read` opens a file or folder, `plan` adds what it holds to a draft; both raise `SourceError`.

    `is_like` says whether a parsed file is one of this tool; None where its reader alone can tell.
    """

    words: str
    read: Callable[[Path], Any]
    plan: Callable[[Any, Draft], None]
    is_like: Callable[[Any], bool] | None = None
    api: Api | None = None
