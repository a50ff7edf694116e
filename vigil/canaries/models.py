"""Canary model: the budget account and the last answers of each canary."""

from __future__ import annotations

from django.db import models

from vigil.monitors.models import Monitor


class Canary(models.Model):
    """State of a canary, made with its first reservation. Money is in billionths of a US dollar.

    `month` (UTC) is that of `spent` and `reserved`, which is by slot: region and amount. `stopped` is the month whose
    budget is spent; empty while there is some left.
    """

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, related_name="canary", primary_key=True)
    month = models.CharField(max_length=7, blank=True, default="")
    spent = models.BigIntegerField(default=0)
    reserved = models.JSONField(default=dict)
    last_slot_ms = models.BigIntegerField(default=0)
    stopped = models.CharField(max_length=7, blank=True, default="")
    answers = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "canaries"

    def __str__(self) -> str:
        return f"canary of {self.monitor_id}"
