"""Reservation of canaries' slots, in one transaction before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from probes.ai.prices import most_nanos
from probes.specs.canary import price_of, tokens_of
from probes.wire import CANARY_KIND
from vigil.canaries.core.budget import BudgetLimit, ReserveReason, reserve
from vigil.canaries.models import Canary
from vigil.canaries.rows import ACCOUNT_FIELDS, account_of, budget_of, keep_account, locked_canaries, spec_of
from vigil.clock import database_now
from vigil.monitors.models import Monitor

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CanarySlot:
    """One region's turn to ask, at a moment (ms since the epoch), with the configuration that is to be asked."""

    monitor: str
    revision: int
    region: str
    at_ms: int


def reserve_slots(slots: Sequence[CanarySlot]) -> list[bool]:
    """Reserve the most that each slot can cost, in order; whether each may be asked. One update for all of them.

    Only what is committed may be sent: a dispatcher that dies in between has used up a reservation, and no money.
    """
    names = {slot.monitor for slot in slots}
    with transaction.atomic():
        watched = Monitor.objects.filter(public_id__in=names, kind=CANARY_KIND, deleted_at=None, paused=False)
        keys = watched.filter(canary=None).values_list("pk", flat=True)
        Canary.objects.bulk_create([Canary(monitor_id=key) for key in keys], ignore_conflicts=True)
        rows = locked_canaries(names)
        month = f"{database_now():%Y-%m}"
        granted = [_reserved(rows.get(slot.monitor), slot, month) for slot in slots]
        if rows:
            Canary.objects.bulk_update(rows.values(), ACCOUNT_FIELDS)
    return granted


def _reserved(row: Canary | None, slot: CanarySlot, month: str) -> bool:
    monitor = row.monitor if row is not None else None
    spec = spec_of(monitor) if monitor is not None else None
    price = price_of(spec) if spec is not None else None
    if row is None or monitor is None or spec is None or price is None or not spec.billing_acknowledged:
        return False
    if monitor.revision != slot.revision or monitor.paused or monitor.deleted_at is not None:
        return False
    limit = BudgetLimit(budget_of(spec), most_nanos(price, tokens_of(spec)))
    was = account_of(row)
    account, reason = reserve(was, slot.at_ms, slot.region, limit, month)
    keep_account(row, account)
    if account.stopped and account.stopped != was.stopped:
        log.warning("canary.stopped", monitor=slot.monitor, month=account.stopped)
    return reason is ReserveReason.GRANTED
