"""Receiver gaps: the watermark of applied pings, and periods without any receiver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.clock import database_wall_now
from vigil.heartbeats.core.reception import ReceiverGap, gaps_between
from vigil.heartbeats.models import Reception, ReceptionGap, StoredPing
from vigil.incidents.core.model import IncidentKind, Move, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import write_transition

#: A ping is written or refused within this time, so earlier ones are applied when a later beat is.
SETTLED = timedelta(seconds=5)
#: After this long without any receiver, the operator is alerted.
ALARM = timedelta(seconds=60)
#: Older gaps cannot matter: the longest period and the longest grace.
KEPT = timedelta(days=740)
CAUSE = "pings-not-received"


def hear(beats_us: Sequence[int]) -> None:
    """Record receivers' beats, in any order; call inside the transaction that applied them and all before them.

    What any receiver took and any server kept is reception: of a gap between beats only that part counts in which no
    ping was taken either.
    """
    if not beats_us:
        return
    # Heard from the future, no job would be missed until then.
    now = database_wall_now()
    beats = sorted(min(instant(beat), now) for beat in beats_us)
    known = Reception.objects.select_for_update().filter(pk=1).first()
    heard = known.heard_at if known else beats[0]
    gaps = gaps_between(heard, beats)
    if gaps:
        first, last = (UUID(int=round(at.timestamp() * 1000) << 80) for at in (heard, beats[-1]))
        # Ids of pings begin with their time (version 7), and are the only index there is by it.
        taken = StoredPing.objects.filter(pk__range=(first, last)).values_list("at", flat=True)
        gaps = gaps_between(heard, [*beats, *taken])
        ReceptionGap.objects.bulk_create([ReceptionGap(begin=gap.begin, end=gap.end) for gap in gaps])
        ReceptionGap.objects.filter(end__lt=beats[-1] - KEPT).delete()
    Reception.objects.update_or_create(pk=1, defaults={"heard_at": max(heard, beats[-1])})


def horizon() -> datetime | None:
    """The watermark: deadlines after it cannot be judged yet. None without any receiver."""
    heard = Reception.objects.filter(pk=1).values_list("heard_at", flat=True).first()
    return min(heard - SETTLED, database_wall_now()) if heard else None


def gaps_since(begin: datetime) -> list[ReceiverGap]:
    """Gaps that end after `begin`."""
    return [ReceiverGap(*pair) for pair in ReceptionGap.objects.filter(end__gt=begin).values_list("begin", "end")]


@transaction.atomic
def alert_on_silence(enqueue: EnqueueDeliveries) -> None:
    """Open one incident for the operator while no receiver is up; resolve it when one is."""
    heard = Reception.objects.select_for_update().filter(pk=1).first()
    if heard is None:
        return
    silent = database_wall_now() - heard.heard_at > ALARM
    open_now = Incident.objects.filter(kind=IncidentKind.BLIND, cause_key=CAUSE, resolved_at=None).first()
    if silent and open_now is None:
        incident = Incident(
            team=default_team(),
            kind=IncidentKind.BLIND,
            cause_key=CAUSE,
            title="Pings are not received",
            started_at=heard.heard_at,
            opened_at=Now(),
        )
        incident.save()
        write_transition(incident, Move(IncidentKind.BLIND, Step.OPENED, StepReason.NOT_RECEIVING), enqueue)
    elif not silent and open_now is not None:
        write_transition(open_now, Move(IncidentKind.BLIND, Step.RESOLVED, StepReason.RECEIVING_AGAIN), enqueue)


def instant(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)
