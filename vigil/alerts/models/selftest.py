"""Self-test models: synthetic incidents, and pings of the dead man's switch."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vigil.accounts.models import Team
from vigil.incidents.models import Incident


class SelfTest(models.Model):
    """A synthetic incident of a team, through every channel that takes part; its deliveries are the proof."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="self_tests")
    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, related_name="self_test")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["team"], condition=Q(ended_at=None), name="one_self_test_of_a_team_at_once")
        ]
        indexes = [
            # Used every few seconds to find the last proof.
            models.Index(fields=["team", "-begun_at"], name="self_test_by_team"),
        ]

    def __str__(self) -> str:
        outcome = {None: "running", True: "passed", False: "failed"}[self.passed]
        return f"{self.team} {self.begun_at:%Y-%m-%d %H:%M:%S} {outcome}"


class OutsidePing(models.Model):
    """The last ping of the dead man's switch; one row."""

    asked_at = models.DateTimeField()
    ok_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return self.problem or "accepted"
