"""Pauses of monitors whose every check costs money, as their first answer gave away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from probes.ai.billing import one_form
from probes.ai.litellm_health import BILLED
from vigil.monitors.live.version import touch
from vigil.monitors.models import ChangeKind, Monitor, MonitorChange


def pause_billed(public_id: str, region: int) -> bool:
    """Pause a monitor that a region (its key) found to be LiteLLM's billed health page, and keep why. True if paused.

    A region is not believed further than its monitors: only one that it checks, whose address may be that page, and
    whose owner has not acknowledged the cost.
    """
    with transaction.atomic():
        rows = Monitor.objects.select_for_update().filter(public_id=public_id, deleted_at=None, paused=False)
        monitor = rows.first()
        if monitor is None or not monitor.regions.filter(pk=region).exists() or not _may_be_billed(monitor):
            return False
        monitor.paused, monitor.paused_why = True, BILLED
        monitor.revision += 1
        monitor.save(update_fields=["paused", "paused_why", "revision", "updated_at"])
        MonitorChange.record(monitor, ChangeKind.CHANGED, ["paused"])
        touch(monitor.team_id)
    return True


def _may_be_billed(monitor: Monitor) -> bool:
    config: Any = monitor.config
    if monitor.kind != "http" or not isinstance(config, dict) or config.get("billing_acknowledged"):
        return False
    return one_form(urlsplit(str(config.get("url", ""))).path).endswith("/health")
