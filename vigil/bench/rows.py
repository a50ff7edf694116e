"""Benchmark monitors, written in bulk. Import it once Django is set up."""

from __future__ import annotations

from vigil.accounts.teams import default_team
from vigil.monitors.models import Monitor, Region


def write_monitors(count: int, sick: int, interval_s: int, target: str) -> None:
    """`count` monitors on `target`, the first `sick` of them below its /sick, in every region."""
    team, regions = default_team(), list(Region.objects.all())
    monitors = Monitor.objects.bulk_create(
        [
            Monitor(
                team=team,
                name=f"bench {place}",
                kind="http",
                config={"url": f"{target}/{'sick' if place < sick else 'well'}/{place}"},
                interval_s=interval_s,
                timeout_ms=5_000,
                sensitivity="high",
            )
            for place in range(count)
        ]
    )
    watched = Monitor.regions.through
    watched.objects.bulk_create(
        [watched(monitor_id=monitor.pk, region_id=region.pk) for monitor in monitors for region in regions],
        batch_size=2_000,
    )
