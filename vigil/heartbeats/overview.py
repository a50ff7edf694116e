"""Heartbeat overview: status, addresses, last runs, and charts of their metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from vigil.configuration import configuration
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.states import HeartbeatStatus
from vigil.heartbeats.models import Heartbeat, StoredPing
from vigil.heartbeats.rows import terms_of
from vigil.heartbeats.showing import badges
from vigil.heartbeats.showing.charts import Bar, chart

RUNS_SHOWN = 60
_ENDS = (PingKind.SUCCESS, PingKind.FAIL)


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    svg: str


def status_shown(row: Heartbeat) -> str:
    """Status for people: paused if the monitor is paused, degraded if it works over budget."""
    if row.monitor.paused:
        return HeartbeatStatus.PAUSED.value
    degraded = row.trouble == "degraded" and row.status in (HeartbeatStatus.UP, HeartbeatStatus.RUNNING)
    return "degraded" if degraded else row.status


def ping_address(row: Heartbeat) -> str:
    return f"{configuration().pings_at}/ping/{row.code}"


def slug_address(row: Heartbeat, key: str) -> str:
    """Ping address by the team's key and the slug."""
    return f"{configuration().pings_at}/ping/{key}/{row.slug}"


def mail_address(row: Heartbeat) -> str:
    """Mail address for pings; empty if mail is not configured."""
    settings = configuration()
    return f"{row.code}@{settings.mail_domain}" if settings.mail_port and settings.mail_domain else ""


def badge_addresses(row: Heartbeat) -> dict[str, str]:
    base = f"{configuration().base_url}/badge/{row.badge_code}"
    return {kind: f"{base}.{kind}" for kind in ("svg", "json", "shields")}


def tag_badge_addresses(key: str, tag: str) -> dict[str, str]:
    base = f"{configuration().base_url}/badge/{key}/{badges.signature(key, tag)}/{quote(tag, safe='')}"
    return {kind: f"{base}.{kind}" for kind in ("svg", "json", "shields")}


def last_pings(row: Heartbeat, count: int) -> list[StoredPing]:
    """The newest pings, newest first, without their bodies."""
    return list(StoredPing.objects.filter(heartbeat=row).order_by("-n").defer("body")[:count])


def charts(row: Heartbeat) -> list[Chart]:
    """A chart of each metric of the last runs (duration, items, tokens, cost), with the budget's limit."""
    ends = StoredPing.objects.filter(heartbeat=row, kind__in=_ENDS).order_by("-n").defer("body")[:RUNS_SHOWN]
    runs = list(reversed(ends))
    budget = terms_of(row).budget
    wanted: tuple[tuple[str, str, Callable[[StoredPing], float | None], float | None], ...] = (
        ("Duration", "s", _duration_s, budget.max_duration_s),
        ("Items", "", _fact("items"), budget.min_items),
        ("Tokens", "", _fact("tokens"), budget.max_tokens),
        ("Cost", "", _fact("cost"), budget.max_cost),
    )
    found = []
    for title, unit, value, limit in wanted:
        bars = _bars(runs, value, unit)
        if bars:
            found.append(Chart(title, chart(f"{title} of the last {len(bars)} runs", unit, bars, limit)))
    return found


def _bars(runs: Sequence[StoredPing], value: Callable[[StoredPing], float | None], unit: str) -> list[Bar]:
    bars = []
    for run in runs:
        number = value(run)
        if number is not None:
            bars.append(
                Bar(number, f"{run.at:%Y-%m-%d %H:%M:%S}: {number:g} {unit}".strip(), run.kind == PingKind.FAIL)
            )
    return bars


def _duration_s(run: StoredPing) -> float | None:
    return run.duration_ms / 1000 if run.duration_ms is not None else None


def _fact(name: str) -> Callable[[StoredPing], float | None]:
    def told(run: StoredPing) -> float | None:
        value = run.facts.get(name)
        return float(value) if isinstance(value, int | float) else None

    return told
