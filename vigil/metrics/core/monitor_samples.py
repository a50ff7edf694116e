"""Samples of monitors: what regions saw last, what is committed, and how often checks passed as scrapes saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from probes.reasons import Status
from probes.wire import CANARY_KIND, Result
from vigil.metrics.core.blackbox import CHECK_NAMES, PROBE_FAMILIES, samples
from vigil.metrics.core.scraped_checks import Scraped, ScrapedChecks
from vigil.metrics.core.text import SampleText, label, labels

#: The status of a monitor that is paused, besides those of checks.
PAUSED = "paused"
STATES = (*(status.value for status in Status), PAUSED)
_VOTES = tuple(status.value for status in Status)
#: Results older than so many intervals, and than this, are of a region that is silent (ms).
STALE_INTERVALS, STALE_LEAST_MS = 3, 300_000
#: A region's clock may be ahead by as much (ms).
AHEAD_MOST_MS = 60_000
_NONE = ScrapedChecks()

FAMILIES: Mapping[str, tuple[str, str]] = {
    **PROBE_FAMILIES,
    "probe_all_success": ("summary", "Checks that passed, of those that scrapes have seen"),
    "probe_all_duration_seconds": ("histogram", "How long checks took, of those that scrapes have seen"),
    "sm_check_info": ("gauge", "Properties of a check, as Grafana Synthetic Monitoring names them; 1"),
    "vigil_monitor_state": ("gauge", "1 for the status that most regions agreed on, which alerts go by"),
    "vigil_monitor_votes": ("gauge", "Regions by what they saw last"),
}


@dataclass(frozen=True, slots=True)
class MeasuredMonitor:
    """A monitor as its metrics name it; `state` is one of `STATES`."""

    public_id: str
    name: str
    kind: str
    target: str
    team: str
    state: str
    interval_s: int

    def named(self) -> dict[str, object]:
        return {"job": self.name, "instance": self.target, "monitor": self.public_id, "team": self.team}


def fresh(monitor: MeasuredMonitor, results: Mapping[str, Result], now_ms: int) -> dict[str, Result]:
    """The results that are of now, by region; of a silent region there is no sample, and its series end."""
    oldest_ms = oldest_fresh_ms(monitor.kind, monitor.interval_s, len(results), now_ms)
    return {
        region: result
        for region, result in sorted(results.items())
        if oldest_ms <= result.started_ms <= now_ms + AHEAD_MOST_MS
    }


def oldest_fresh_ms(kind: str, interval_s: int, regions: int, now_ms: int) -> int:
    """The oldest start of a result that is of now, where so many regions have one."""
    # Those of a canary take turns.
    turns = max(1, regions) if kind == CANARY_KIND else 1
    return now_ms - max(STALE_LEAST_MS, STALE_INTERVALS * turns * interval_s * 1000)


def add_monitor(
    text: SampleText, monitor: MeasuredMonitor, results: Mapping[str, Result], remembered: Scraped
) -> Scraped:
    """Add all samples of a monitor; returns what scrapes have seen of it, with these results."""
    scraped = dict(remembered)
    named = monitor.named()
    own, kind = labels(named), monitor.kind
    votes = dict.fromkeys(_VOTES, 0)
    for region, result in results.items():
        votes[result.status.value] += 1
        at = f"{own},{label('region', region)},{label('probe', region)}"
        text.add_all(at, samples(kind, result))
        checks = scraped[region] = remembered.get(region, _NONE).with_result(result)
        text.add_all(at, checks.samples())
        more = labels({"check_name": CHECK_NAMES.get(kind, kind), "frequency": monitor.interval_s * 1000})
        text.add("sm_check_info", f"{at},{more}", 1)
    for state in STATES:
        text.add("vigil_monitor_state", f"{own},{label('state', state)}", int(state == monitor.state))
    for vote, count in votes.items():
        text.add("vigil_monitor_votes", f"{own},{label('vote', vote)}", count)
    return scraped
