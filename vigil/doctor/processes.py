"""Findings about control plane processes: leaders and backlogs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django.db.models import Min

from consensus.shards import Shard, shards_of
from probes import keys
from probes.process.redis_streams import Entries
from vigil.alerts.models import OPEN_STATES, Delivery
from vigil.dispatch.models import Lease
from vigil.doctor.alert_delivery import STUCK
from vigil.doctor.findings import ExaminationContext, Finding, ago, problem, warning, well
from vigil.history.models import Position
from vigil.incidents.models import IngestPosition
from vigil.incidents.shards import committed
from vigil.monitors.models import Region

LATE_S = 60
RECORDED_LATE_S = 90


def leaders(around: ExaminationContext) -> Iterator[Finding]:
    """Leases without a holder: their work is not done."""
    missing = []
    if not Lease.objects.filter(name="dispatch", expires_at__gt=around.now).exists():
        missing.append(("dispatch", "nothing is checked", "`manage.py run dispatch`"))
    for shard in _shards():
        if not around.redis.exists(keys.lease(shard.named("consensus"))):
            missing.append((shard.named("consensus"), "nothing is decided", "`python -m consensus`"))
        if not around.redis.exists(keys.lease(shard.named("record"))):
            missing.append((shard.named("record"), "history has a gap soon", "`manage.py run record`"))
    for name, so, command in missing:
        yield problem(f"No {name} process leads: {so}.", f"Start {command}, or see its log.")
    if not missing:
        yield well("dispatch, consensus and record each have a leader.")


def ingest(around: ExaminationContext) -> Iterator[Finding]:
    """Unapplied verdicts."""
    names = [shard.named(keys.VERDICTS) for shard in _shards()]
    stored = dict(IngestPosition.objects.filter(pk__in=names).values_list("stream", "entry_id"))
    waits_s = max(_waits_s(around, keys.VERDICTS, stored.get(name)) for name in names)
    if waits_s > LATE_S:
        yield problem(
            f"A verdict waits for ingest since {ago(waits_s)}.", "Start `manage.py run ingest`, or see its log."
        )
    else:
        yield well("Every verdict is applied.")


def deliver(around: ExaminationContext) -> Iterator[Finding]:
    """Due deliveries that no sender has claimed. What waits for its channel is a finding about the channel."""
    due = Delivery.objects.filter(state__in=OPEN_STATES, due_at__lte=around.now)
    oldest = due.exclude(channel__in=Delivery.objects.filter(STUCK).values("channel"))
    first = oldest.exclude(lease_until__gt=around.now).aggregate(first=Min("due_at"))["first"]
    waits_s = (around.now - first).total_seconds() if first else 0.0
    if waits_s > LATE_S:
        yield problem(
            f"An alert has been due for {ago(waits_s)}, and no sender takes it.",
            "Start `manage.py run deliver`, or see its log.",
        )
    else:
        yield well("No alert is overdue.")


def recording(around: ExaminationContext) -> Iterator[Finding]:
    """Lag of each region's stored results."""
    stored = dict(Position.objects.values_list("region__slug", "entry_id"))
    late = 0
    for region in Region.objects.filter(enabled=True).values_list("slug", flat=True):
        waits_s = _waits_s(around, keys.results(region), stored.get(region))
        if waits_s > RECORDED_LATE_S:
            late += 1
            yield warning(
                f"Results of {region} wait since {ago(waits_s)}.", "Start `manage.py run record`, or see its log."
            )
    if not late:
        yield well("Results are recorded as they come.")


def _shards() -> list[Shard]:
    present = committed()
    return shards_of(present.shards if present else 1)


def _waits_s(around: ExaminationContext, stream: str, stored: str | None) -> float:
    """Age of the first entry after the stored position, in seconds; 0 if none."""
    waiting = cast(Entries, around.redis.xrange(stream, min=f"({stored or keys.STREAM_START}", count=1))
    return (around.now_ms - keys.entry_id(waiting[0][0])[0]) / 1000 if waiting else 0.0
