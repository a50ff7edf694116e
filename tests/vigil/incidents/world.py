"""A small world for tests of incidents: monitors in five regions, and verdicts on them as the regions reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from consensus.outcome import verdict_of
from consensus.quorum import decide
from tests.consensus.examples import FIVE_REGIONS, make_round, make_vote
from vigil.accounts.teams import default_team
from vigil.incidents.apply import VerdictEntry, apply_verdicts
from vigil.incidents.models import Transition
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

T0 = 1_700_000_000_000


class World:
    """Monitors, and verdicts on them as the regions would reach them."""

    def __init__(self) -> None:
        self.regions = [Region.objects.create(slug=slug, domain=domain) for slug, domain in FIVE_REGIONS.items()]
        self.at_ms = T0
        self.told: list[Transition] = []

    def monitor(self, name: str, host: str = "", **wanted: Any) -> Monitor:
        config = {"url": f"https://{host or f'{name}.example.test'}/"}
        return create_monitor(
            default_team(), {"name": name, "kind": "http", "config": config, "regions": self.regions, **wanted}
        )

    def entry(self, monitor: Monitor, saw: str, but: Mapping[str, str] | None = None) -> VerdictEntry:
        """A verdict on what all regions saw; `but`: what some saw instead."""
        self.at_ms += 100_000
        votes = [make_vote(region, (but or {}).get(region, saw)) for region in FIVE_REGIONS]
        round = make_round(opened_ms=self.at_ms)
        decision = decide(round, votes, 1)
        assert decision is not None
        verdict = msgspec.structs.replace(
            verdict_of(round, decision, votes, self.at_ms + 500),
            monitor=monitor.public_id,
            revision=monitor.revision,
            round=f"rnd_{self.at_ms}",
        )
        return VerdictEntry(f"{self.at_ms}-0", verdict)

    def see(self, monitor: Monitor, *saw: str, enqueue: EnqueueDeliveries | None = None) -> frozenset[str]:
        return apply_verdicts([self.entry(monitor, one) for one in saw], enqueue or self.told.append).changed
