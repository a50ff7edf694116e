"""Reservation of canaries' slots, in one transaction before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from probes.wire import CANARY_KIND
from vigil.canaries.core.budget import ReserveReason, is_near, reserve
from vigil.canaries.core.window import without_weight
from vigil.canaries.models import Canary
from vigil.canaries.rows import (
    ACCOUNT_FIELDS,
    account_of,
    answers_of,
    keep_account,
    keep_answers,
    limit_of,
    locked_canaries,
    spec_of,
)
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
        now = database_now()
        month, now_ms = f"{now:%Y-%m}", round(now.timestamp() * 1000)
        watched = Monitor.objects.filter(public_id__in=names, kind=CANARY_KIND, deleted_at=None, paused=False)
        # In one order, so that two dispatchers cannot wait for each other.
        _open_accounts(list(watched.filter(canary=None).order_by("pk")), month)
        rows = locked_canaries(names)
        granted = [is_near(slot.at_ms, now_ms) and _reserved(rows.get(slot.monitor), slot, month) for slot in slots]
        if rows:
            Canary.objects.bulk_update(rows.values(), (*ACCOUNT_FIELDS, "answers"))
    return granted


def _open_accounts(monitors: Sequence[Monitor], month: str) -> None:
    """Open the accounts of canaries that ask for the first time.

    One that has the name of another, deleted in its team, goes on with what that one has spent this month: a file that
    is taken away and applied again gets no second budget.
    """
    if not monitors:
        return
    deleted = Canary.objects.filter(
        month=month,
        monitor__deleted_at__isnull=False,
        monitor__team_id__in={one.team_id for one in monitors},
        monitor__name__in={one.name for one in monitors},
    )
    spent: dict[tuple[int, str], int] = {}
    for row in deleted.select_related("monitor"):
        owner = row.monitor.team_id, row.monitor.name
        spent[owner] = max(spent.get(owner, 0), account_of(row).committed)
    rows = [Canary(monitor=one, month=month, spent=spent.get((one.team_id, one.name), 0)) for one in monitors]
    Canary.objects.bulk_create(rows, ignore_conflicts=True)


def _reserved(row: Canary | None, slot: CanarySlot, month: str) -> bool:
    monitor = row.monitor if row is not None else None
    spec = spec_of(monitor) if monitor is not None else None
    limit = limit_of(spec) if spec is not None else None
    if row is None or monitor is None or spec is None or limit is None or not spec.billing_acknowledged:
        return False
    if monitor.revision != slot.revision or monitor.paused or monitor.deleted_at is not None:
        return False
    was = account_of(row)
    account, reason = reserve(was, slot.at_ms, slot.region, limit, month)
    keep_account(row, account)
    if account.stopped and account.stopped != was.stopped:
        log.warning("canary.stopped", monitor=slot.monitor, month=account.stopped)
        # They are old when it begins again, and must not open an incident then.
        keep_answers(row, without_weight(answers_of(row)))
    return reason is ReserveReason.GRANTED
