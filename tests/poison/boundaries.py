"""Every boundary of the poison suite, the kinds of parsers among them, and cases by chance that can be made again."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.poison import members, models_lists, parsers, regions, strangers
from tests.poison.boundary import Boundary

BOUNDARIES: dict[str, Boundary] = {
    **regions.BOUNDARIES,
    **strangers.BOUNDARIES,
    **members.BOUNDARIES,
    **parsers.BOUNDARIES,
    **models_lists.BOUNDARIES,
}
#: The parsers that the nightly run is held to, by their kinds.
PARSERS: dict[str, tuple[str, ...]] = {
    "URL": ("URL", "redirect"),
    "header": ("head of an answer", "request of a browser"),
    "envelope": ("envelope",),
    "ping": ("ping by HTTP", "ping connection", "ping log entry"),
    "mail": ("mail", "mail address"),
    "importer": (*(f"import of {source}" for source in parsers.SOURCES), "configuration of LiteLLM"),
    "YAML": ("code in YAML",),
}


def message_of(name: str, seed: int, case: int) -> Any:
    """The message of one case; the same for the same three, whichever cases come before it."""
    return BOUNDARIES[name].made(Random(f"{name} {seed} {case}"))
