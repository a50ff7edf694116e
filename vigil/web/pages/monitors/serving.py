"""Engines of an inference server and tools of an MCP server, as a monitor's page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.monitors.core.engine_facts import ToldEngine, ToldServer, told_server
from vigil.monitors.live.results import region_quarantines
from vigil.monitors.models import Monitor
from vigil.read_models.core.figures import length
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.monitor.page import LastResult
from vigil.tool_watch.core.seen_tools import SeenTool
from vigil.tool_watch.models import ToolList
from vigil.tool_watch.watch import KIND, known_of
from vigil.web.parts.marks import StateMark, mark

_STATES = {
    "moving": (ShownState.UP, "Moving"),
    "idle": (ShownState.UP, "Idle"),
    "still": (ShownState.DEGRADED, "Stands still"),
    "stalled": (ShownState.DOWN, "Stalled"),
    "gone": (ShownState.DOWN, "Gone"),
    "unknown": (ShownState.UNKNOWN, "Not yet known"),
}
_TROUBLE = ("stalled", "gone")


@dataclass(frozen=True, slots=True)
class ShownEngine:
    """One engine as a row; `stands` says for how long its counters stand, empty while they move."""

    name: str
    mark: StateMark
    running: str
    waiting: str
    cache: str
    stands: str


@dataclass(frozen=True, slots=True)
class ShownEngines:
    """Engines as one region saw them; `sum` in words; `more` are not told one by one."""

    region: str
    at: datetime | None
    sum: str
    rows: Sequence[ShownEngine]
    more: int


@dataclass(frozen=True, slots=True)
class ShownTools:
    """Tools as they are known; `rows` is empty where they are too many."""

    count: int
    server: str
    version: str
    fingerprint: str
    seen_at: datetime
    changed_at: datetime
    rows: Sequence[SeenTool]
    settles: bool


def engines_of(results: Sequence[LastResult]) -> ShownEngines | None:
    """The engines by the region that sees most of them in trouble, of those the newest; None where none is told.

    What a region in quarantine sees is shown only where no other tells any.
    """
    told = [(one, server) for one in results if one.facts and (server := told_server(one.facts)) and server.engines]
    if not told:
        return None
    held = region_quarantines()
    told = [pair for pair in told if pair[0].region not in held] or told
    seen, server = max(told, key=lambda pair: (_troubled(pair[1]), pair[0].at.timestamp() if pair[0].at else 0.0))
    troubled = _troubled(server)
    words = f"{troubled} of {server.count} in trouble" if troubled else f"{server.count} without trouble"
    rows = [_row(engine) for engine in server.engines]
    return ShownEngines(seen.region, seen.at, words, rows, max(0, server.count - len(rows)))


def _troubled(server: ToldServer) -> int:
    return sum(engine.phase in _TROUBLE for engine in server.engines)


def _row(engine: ToldEngine) -> ShownEngine:
    state, word = _STATES[engine.phase]
    stands = length(timedelta(seconds=min(engine.still_s, 1e8))) if engine.still_s else ""
    cache = "" if engine.cache_percent is None else f"{engine.cache_percent:,.0f}\u202f%"
    return ShownEngine(
        engine.name or "the server", mark(state, word), _whole(engine.running), _whole(engine.waiting), cache, stands
    )


def _whole(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}"


def tools_of(monitor: Monitor) -> ShownTools | None:
    """The tools of an MCP server; None for another kind, and before the first look."""
    row = ToolList.objects.filter(monitor=monitor).first() if monitor.kind == KIND else None
    if row is None:
        return None
    known = known_of(row)
    seen = known.seen
    return ShownTools(
        seen.count,
        seen.server,
        seen.version,
        seen.fingerprint,
        known.seen_at,
        known.changed_at,
        seen.tools or (),
        bool(known.candidate),
    )
