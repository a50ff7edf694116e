"""Rows of history. Keys are of monitors, regions, and hours or days since the epoch; payloads are packed bytes.

The first four are partitioned by time and carry no foreign keys: they are written in bulk by the recorder alone, and
end by their partition being dropped. A monitor that is deleted keeps its row, so their keys stay true.
"""

from __future__ import annotations

from django.db import models

from vigil.monitors.models import Region


class Chunk(models.Model):
    """What arrived from a region in a few seconds, of one hour and one shard of monitors; gone once it is packed."""

    pk = models.CompositePrimaryKey("hour", "shard", "region", "last_ms", "last_seq")
    hour = models.IntegerField()
    shard = models.IntegerField()
    region = models.SmallIntegerField()
    #: The stream entry that it ends with, so that no part of a stream can be written twice.
    last_ms = models.BigIntegerField()
    last_seq = models.IntegerField()
    payload = models.BinaryField()
    failures = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.hour}/{self.shard}/{self.region}"


class PackedHour(models.Model):
    """The checks of one monitor in one region and hour (`packing`), and some of its failures in full (`chunks`)."""

    # Used by everything that reads one monitor's checks: the primary key, monitor first.
    pk = models.CompositePrimaryKey("monitor", "region", "hour")
    hour = models.IntegerField()
    monitor = models.IntegerField()
    region = models.SmallIntegerField()
    payload = models.BinaryField()
    failures = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.monitor}/{self.region}/{self.hour}"


class RolledHours(models.Model):
    """The rollups of each hour of one day, of one monitor in one region."""

    # Used by charts of more than a day: the primary key, monitor first.
    pk = models.CompositePrimaryKey("monitor", "region", "day")
    day = models.IntegerField()
    monitor = models.IntegerField()
    region = models.SmallIntegerField()
    payload = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.monitor}/{self.region}/{self.day}"


class RolledDay(models.Model):
    """The rollups of one day of one monitor, by region."""

    # Used by charts of months and years: the primary key, monitor first, so that a year is one short range.
    pk = models.CompositePrimaryKey("monitor", "day")
    day = models.IntegerField()
    monitor = models.IntegerField()
    payload = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.monitor}/{self.day}"


class Progress(models.TextChoices):
    """How far an hour or a day has come."""

    OPEN = "open"
    DONE = "done"


class RecordedHour(models.Model):
    """An hour that something was recorded for: shards below `next_shard` are packed. `again` after a late result."""

    hour = models.IntegerField(primary_key=True)
    state = models.CharField(max_length=8, choices=Progress.choices, default=Progress.OPEN)
    next_shard = models.IntegerField(default=0)
    again = models.BooleanField(default=False)
    results = models.BigIntegerField(default=0)
    touched_at = models.DateTimeField()

    class Meta:
        indexes = (
            # Used by the recorder on every turn: the few hours that are not packed yet.
            models.Index(fields=["hour"], name="hour_to_pack", condition=models.Q(state="open")),
        )

    def __str__(self) -> str:
        return f"{self.hour} {self.state}"


class RecordedDay(models.Model):
    """A day that something was packed for: monitors below `next_shard` times the stride are rolled up.

    What comes late for one of those is rolled up again as it is packed.
    """

    day = models.IntegerField(primary_key=True)
    state = models.CharField(max_length=8, choices=Progress.choices, default=Progress.OPEN)
    next_shard = models.IntegerField(default=0)

    class Meta:
        indexes = (models.Index(fields=["day"], name="day_to_roll_up", condition=models.Q(state="open")),)

    def __str__(self) -> str:
        return f"{self.day} {self.state}"


class Position(models.Model):
    """How far a region's stream is recorded: written in the transaction of what was read up to there."""

    region = models.OneToOneField(Region, on_delete=models.CASCADE, primary_key=True, related_name="recorded")
    entry_id = models.CharField(max_length=48)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.region_id} {self.entry_id}"


class GapReason(models.TextChoices):
    """Why results of a region are, or may be, missing."""

    TRIMMED = "trimmed", "the stream was cut before it was read"
    UNREADABLE = "unreadable", "what the region wrote cannot be read"
    IMPLAUSIBLE = "implausible", "results of another day, or of the future"
    UNKNOWN_MONITOR = "unknown_monitor", "results of monitors that do not exist"


class Gap(models.Model):
    """Results that are not in history, said rather than hidden; `results` is how many, where that is known."""

    region = models.ForeignKey(Region, on_delete=models.CASCADE, related_name="gaps")
    reason = models.CharField(max_length=20, choices=GapReason.choices)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    results = models.BigIntegerField(null=True)

    class Meta:
        ordering = ("-to_at", "-id")
        indexes = (models.Index(fields=["region", "to_at"], name="gap_by_region"),)

    def __str__(self) -> str:
        return f"{self.region_id} {self.reason}"


class Unwatched(models.Model):
    """A stretch of time in which a monitor was paused or deleted, or nobody could see it.

    Written by triggers on the rows of the monitor and of its state, so that no way of changing them is forgotten.
    """

    class Why(models.TextChoices):
        PAUSED = "paused"
        UNSEEN = "unseen"

    why = models.CharField(max_length=8, choices=Why.choices, default=Why.PAUSED, db_default=Why.PAUSED)
    monitor = models.ForeignKey("monitors.Monitor", on_delete=models.CASCADE, related_name="unwatched")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "unwatched"
        # Used by uptime, for one monitor or all of a tag.
        indexes = (models.Index(fields=["monitor", "from_at"], name="unwatched_by_monitor"),)

    def __str__(self) -> str:
        return f"{self.monitor_id} from {self.from_at}"


class SizeSample(models.Model):
    """How large the database was on a day, for doctor's growth."""

    day = models.IntegerField(primary_key=True)
    database_bytes = models.BigIntegerField()
    history_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.database_bytes}"
