"""Purge of deleted monitors: a row without incidents goes once its single checks are gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from vigil.configuration import configuration
from vigil.monitors.models import CompositeMember, Dependency, Monitor

#: Days that a deleted monitor is kept at least: reports of the last month, and the question who deleted it.
KEEP_DAYS = 90
#: Rows of one round of housekeeping: each takes its changes and states with it.
BATCH = 500


def purge_deleted_monitors(now: datetime) -> int:
    """Delete one batch for good, oldest first; returns how many."""
    days = max(KEEP_DAYS, configuration().keep_checks_days)
    with transaction.atomic():
        due = _unused().filter(deleted_at__lt=now - timedelta(days=days)).order_by("deleted_at")
        keys = list(due.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:BATCH])
        Monitor.objects.filter(pk__in=keys).delete()
    return len(keys)


def _unused() -> QuerySet[Monitor]:
    """Monitors that no incident, and nothing which is still there, names: with them its meaning would change."""
    member = CompositeMember.objects.filter(monitor=OuterRef("pk"), composite__monitor__deleted_at=None)
    parent = Dependency.objects.filter(parent=OuterRef("pk"), child__deleted_at=None)
    named = ("incidents", "routes", "objectives", "silences")
    rows = Monitor.objects.filter(~Exists(member), ~Exists(parent))
    for relation in named:
        through = Monitor.objects.filter(pk=OuterRef("pk"), **{f"{relation}__isnull": False})
        rows = rows.filter(~Exists(through))
    return rows
