"""Page of a process's metrics: what it counted, and what its health says, as text for a scraper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from probes.process.metrics.exposition import CountsCollector, exposed, metric_of, registry_of

_SERVERS = ("redis", "postgresql")


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What a process's health says now: `facts` are its own words, of which numbers and `away` are told."""

    process: str
    is_ready: bool
    turn_age_s: float
    facts: Mapping[str, object] = field(default_factory=dict)


class ProcessStateCollector(Collector):
    """The state of the process, from its health."""

    def __init__(self, state: ProcessState) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        state = self._state
        mine = (state.process,)
        yield metric_of(families.READY, {mine: float(state.is_ready)})
        yield metric_of(families.TURN_AGE, {mine: state.turn_age_s})
        away = servers_away(state.facts)
        yield metric_of(families.AWAY, {(*mine, server): float(server in away) for server in _SERVERS})
        if isinstance(leading := state.facts.get("leading"), bool):
            yield metric_of(families.LEADING, {mine: float(leading)})
        if isinstance(rounds := state.facts.get("open_rounds"), int):
            yield metric_of(families.ROUNDS_OPEN, {mine: float(rounds)})


def servers_away(facts: Mapping[str, object]) -> frozenset[str]:
    """The servers that a process is without, by the facts of its health: its words name them."""
    words = str(facts.get("away") or "").lower()
    found = {server for server in _SERVERS if server in words}
    if facts.get("database") is False:
        found.add("postgresql")
    if facts.get("redis") is False:
        found.add("redis")
    return frozenset(found)


def page(state: ProcessState, counts: ProcessCounts, accepts: str) -> tuple[bytes, str]:
    """The text of a process's metrics in a format that the scraper accepts, and its content type."""
    registry = registry_of(state.process, ProcessStateCollector(state), CountsCollector(counts))
    return exposed(registry, accepts)
