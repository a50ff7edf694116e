"""Stored history models. Keys are of monitors, regions, hours or days; payloads are packed bytes.

The first four are partitioned by time, without foreign keys: only the recorder writes them, in bulk, and retention
drops whole partitions. Deleted monitors keep their row, so the keys stay valid.
"""

from __future__ import annotations

from django.db import models

from vigil.monitors.models import Region


class Chunk(models.Model):
    """A few seconds of results of one region, hour and shard; deleted once packed."""

    pk = models.CompositePrimaryKey("hour", "shard", "region", "last_ms", "last_seq")
    hour = models.IntegerField()
    shard = models.IntegerField()
    region = models.SmallIntegerField()
    #: Its last stream entry, so that no part of a stream is written twice.
    last_ms = models.BigIntegerField()
    last_seq = models.IntegerField()
    payload = models.BinaryField()
    failures = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.hour}/{self.shard}/{self.region}"


class PackedHour(models.Model):
    """Checks of a monitor, region and hour (`packing`), and some failures in full (`chunks`)."""

    # Used by every read of one monitor's checks.
    pk = models.CompositePrimaryKey("monitor", "region", "hour")
    hour = models.IntegerField()
    monitor = models.IntegerField()
    region = models.SmallIntegerField()
    payload = models.BinaryField()
    failures = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.monitor}/{self.region}/{self.hour}"


class RolledHours(models.Model):
    """Hourly rollups of a day, of one monitor in one region."""

    # Used by charts of more than a day.
    pk = models.CompositePrimaryKey("monitor", "region", "day")
    day = models.IntegerField()
    monitor = models.IntegerField()
    region = models.SmallIntegerField()
    payload = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.monitor}/{self.region}/{self.day}"


class RolledDay(models.Model):
    """Daily rollup of one monitor, by region."""

    # Used by charts of months and years: monitor first, so a year is one short range.
    pk = models.CompositePrimaryKey("monitor", "day")
    day = models.IntegerField()
    monitor = models.IntegerField()
    payload = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.monitor}/{self.day}"


class Progress(models.TextChoices):
    """Progress of an hour or day."""

    OPEN = "open"
    DONE = "done"


class RecordedHour(models.Model):
    """An hour with results: shards below `next_shard` are packed. `again` after a late result."""

    hour = models.IntegerField(primary_key=True)
    state = models.CharField(max_length=8, choices=Progress.choices, default=Progress.OPEN)
    next_shard = models.IntegerField(default=0)
    again = models.BooleanField(default=False)
    results = models.BigIntegerField(default=0)
    touched_at = models.DateTimeField()

    class Meta:
        indexes = (
            # Used by the recorder on every pass: the few unpacked hours.
            models.Index(fields=["hour"], name="hour_to_pack", condition=models.Q(state="open")),
        )

    def __str__(self) -> str:
        return f"{self.hour} {self.state}"


class RecordedDay(models.Model):
    """A day with packed hours: monitors below `next_shard` times the stride are rolled up; late results again."""

    day = models.IntegerField(primary_key=True)
    state = models.CharField(max_length=8, choices=Progress.choices, default=Progress.OPEN)
    next_shard = models.IntegerField(default=0)

    class Meta:
        indexes = (models.Index(fields=["day"], name="day_to_roll_up", condition=models.Q(state="open")),)

    def __str__(self) -> str:
        return f"{self.day} {self.state}"


class Position(models.Model):
    """Stream position of a region's recorded results: written in their transaction."""

    region = models.OneToOneField(Region, on_delete=models.CASCADE, primary_key=True, related_name="recorded")
    entry_id = models.CharField(max_length=48)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.region_id} {self.entry_id}"


class GapReason(models.TextChoices):
    """Why a region's results are, or may be, missing."""

    TRIMMED = "trimmed", "the stream was cut before it was read"
    UNREADABLE = "unreadable", "what the region wrote cannot be read"
    IMPLAUSIBLE = "implausible", "results of another day, or of the future"
    UNKNOWN_MONITOR = "unknown_monitor", "results of monitors that do not exist"


class Gap(models.Model):
    """A known gap in history; `results` is their number, if known."""

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
    """A period in which a monitor was paused, deleted, or blind; written by database triggers."""

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
    """Database size on a day, for doctor's growth forecast."""

    day = models.IntegerField(primary_key=True)
    database_bytes = models.BigIntegerField()
    history_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.database_bytes}"
