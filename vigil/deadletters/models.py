"""Dead letter model. Belongs to the installation, not to a team: it may hold what jobs sent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vigil.accounts.public_ids import new
from vigil.deadletters.replays import effect_of_replay


def letter_id() -> str:
    return new("dlt")


class LetterState(models.TextChoices):
    """What became of a dead letter."""

    WAITING = "waiting", "waiting"
    REPLAYED = "replayed", "replayed"
    #: Whatever failed has worked since, without an act of a person.
    SETTLED = "settled", "settled"
    DISCARDED = "discarded", "discarded"


class DeadLetter(models.Model):
    """What failed alone twice: an entry of a stream, a row, or a step of a loop. The same one again is counted.

    `source` is the process and `step` what it was doing; `stream` is where an entry can be added again, and empty for
    what is tried again by itself. `size` is how many bytes the entry had, of which `payload` holds the first.
    """

    public_id = models.CharField(max_length=40, unique=True, default=letter_id, editable=False)
    fingerprint = models.BinaryField(max_length=32, editable=False)
    source = models.CharField(max_length=40)
    step = models.CharField(max_length=60)
    origin = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField()
    stream = models.CharField(max_length=200, blank=True, default="")
    entry = models.CharField(max_length=200, blank=True, default="")
    payload = models.BinaryField(default=b"", editable=False)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=LetterState.choices, default=LetterState.WAITING)
    count = models.BigIntegerField(default=1)
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-last_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["fingerprint"], condition=Q(state="waiting"), name="one_waiting_letter"),
        )
        indexes = (
            # Used by lists of what waits.
            models.Index(fields=["state", "-last_at"], name="dead_letter_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.source}: {self.step} {self.origin}".strip()

    @property
    def is_replayable(self) -> bool:
        """Whether it is an entry that is here in full, and can be added to its stream again."""
        return bool(self.stream) and self.size == len(self.payload)

    @property
    def on_replay(self) -> str:
        """What a replay of it does, in words."""
        return effect_of_replay(self.source, self.step, self.stream, len(self.payload), self.size)


class DeadLetterCount(models.Model):
    """How many letters a process has written, and how many were dropped since too many were kept."""

    source = models.CharField(max_length=40, primary_key=True)
    kept = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.source} {self.kept}"
