"""Offer model: the last offers that a monitor's gateway told, and a day of figures. Only the witness writes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import models

from probes.ai.offers.offer import Offer
from vigil.monitors.models import Monitor

#: Older offers are not those of now, unless they are read more seldom.
FRESH = timedelta(minutes=20)


class MonitorOffers(models.Model):
    """Offers for the model of one monitor. `told` are those of which every change was told, `last` those read last.

    `revision` is that of the monitor: another address or model begins anew. `region` read them. `series` has a point
    each half hour (see `core.series`).
    """

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, primary_key=True, related_name="offers")
    revision = models.BigIntegerField()
    model = models.CharField(max_length=200)
    region = models.CharField(max_length=40)
    read_at = models.DateTimeField()
    told = models.JSONField(default=list)
    last = models.JSONField(default=list)
    series = models.JSONField(default=list)

    class Meta:
        verbose_name = "offers of a monitor"
        verbose_name_plural = "offers of monitors"

    def __str__(self) -> str:
        return f"{self.model}: {len(self.last)} offers"

    def are_of_now(self, now: datetime) -> bool:
        """Whether they were read so lately that the best of them is the best now: 20 minutes, or three intervals."""
        return now - self.read_at <= max(FRESH, 3 * timedelta(seconds=self.monitor.interval_s))

    @property
    def offers(self) -> list[Offer]:
        """The offers as they were read last."""
        return restored(self.last)


def stored(offers: list[Offer]) -> Any:
    """Offers as JSON."""
    return msgspec.to_builtins(offers)


def restored(rows: Any) -> list[Offer]:
    """Offers out of JSON that `stored` made; none where their form has changed since."""
    try:
        return msgspec.convert(rows, list[Offer])
    except msgspec.ValidationError:
        return []
