"""Lease model: which dispatcher is active."""

from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """A named lease with one holder; `epoch` grows with every change of holder."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=120, blank=True, default="")
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder or 'no process'}"
