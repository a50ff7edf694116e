"""The tables of history: four of them partitioned by time, and the stretches in which nobody watched."""

import django.db.models.deletion
from django.db import migrations, models

# Payloads are compressed already; where they leave the row, they do so as they are.
PARTITIONED = """
CREATE TABLE history_chunk (
    last_ms bigint NOT NULL,
    hour integer NOT NULL,
    shard integer NOT NULL,
    last_seq integer NOT NULL,
    region smallint NOT NULL,
    payload bytea NOT NULL,
    failures bytea,
    PRIMARY KEY (hour, shard, region, last_ms, last_seq)
) PARTITION BY RANGE (hour);
CREATE TABLE history_packedhour (
    hour integer NOT NULL,
    monitor integer NOT NULL,
    region smallint NOT NULL,
    payload bytea NOT NULL,
    failures bytea,
    PRIMARY KEY (monitor, region, hour)
) PARTITION BY RANGE (hour);
CREATE TABLE history_rolledhours (
    day integer NOT NULL,
    monitor integer NOT NULL,
    region smallint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (monitor, region, day)
) PARTITION BY RANGE (day);
CREATE TABLE history_rolledday (
    day integer NOT NULL,
    monitor integer NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (monitor, day)
) PARTITION BY RANGE (day);
ALTER TABLE history_chunk ALTER payload SET STORAGE EXTERNAL, ALTER failures SET STORAGE EXTERNAL;
ALTER TABLE history_packedhour ALTER payload SET STORAGE EXTERNAL, ALTER failures SET STORAGE EXTERNAL;
ALTER TABLE history_rolledhours ALTER payload SET STORAGE EXTERNAL;
ALTER TABLE history_rolledday ALTER payload SET STORAGE EXTERNAL;
"""
NOT_PARTITIONED = """
DROP TABLE history_chunk;
DROP TABLE history_packedhour;
DROP TABLE history_rolledhours;
DROP TABLE history_rolledday;
"""

# A trigger, so that no way of pausing a monitor is forgotten.
UNWATCHED = """
CREATE FUNCTION vigil_monitor_unwatched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was boolean := TG_OP = 'UPDATE' AND (OLD.paused OR OLD.deleted_at IS NOT NULL);
    is_now boolean := NEW.paused OR NEW.deleted_at IS NOT NULL;
BEGIN
    IF is_now AND NOT was THEN
        INSERT INTO history_unwatched (monitor_id, from_at) VALUES (NEW.id, now());
    ELSIF was AND NOT is_now THEN
        UPDATE history_unwatched SET to_at = now() WHERE monitor_id = NEW.id AND to_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER vigil_monitor_unwatched AFTER INSERT OR UPDATE OF paused, deleted_at ON monitors_monitor
    FOR EACH ROW EXECUTE FUNCTION vigil_monitor_unwatched();
INSERT INTO history_unwatched (monitor_id, from_at)
    SELECT id, coalesce(deleted_at, updated_at) FROM monitors_monitor WHERE paused OR deleted_at IS NOT NULL;
"""
NOT_UNWATCHED = """
DROP TRIGGER vigil_monitor_unwatched ON monitors_monitor;
DROP FUNCTION vigil_monitor_unwatched();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("monitors", "0003_composites"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PARTITIONED, NOT_PARTITIONED)],
            state_operations=[
                migrations.CreateModel(
                    name="Chunk",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "hour",
                                "shard",
                                "region",
                                "last_ms",
                                "last_seq",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("hour", models.IntegerField()),
                        ("shard", models.IntegerField()),
                        ("region", models.SmallIntegerField()),
                        ("last_ms", models.BigIntegerField()),
                        ("last_seq", models.IntegerField()),
                        ("payload", models.BinaryField()),
                        ("failures", models.BinaryField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="PackedHour",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor",
                                "region",
                                "hour",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("hour", models.IntegerField()),
                        ("monitor", models.IntegerField()),
                        ("region", models.SmallIntegerField()),
                        ("payload", models.BinaryField()),
                        ("failures", models.BinaryField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="RolledDay",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor", "day", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("day", models.IntegerField()),
                        ("monitor", models.IntegerField()),
                        ("payload", models.BinaryField()),
                    ],
                ),
                migrations.CreateModel(
                    name="RolledHours",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor",
                                "region",
                                "day",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("day", models.IntegerField()),
                        ("monitor", models.IntegerField()),
                        ("region", models.SmallIntegerField()),
                        ("payload", models.BinaryField()),
                    ],
                ),
            ],
        ),
        migrations.CreateModel(
            name="Position",
            fields=[
                (
                    "region",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="recorded",
                        serialize=False,
                        to="monitors.region",
                    ),
                ),
                ("entry_id", models.CharField(max_length=40)),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SizeSample",
            fields=[
                ("day", models.IntegerField(primary_key=True, serialize=False)),
                ("database_bytes", models.BigIntegerField()),
                ("history_bytes", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="RecordedDay",
            fields=[
                ("day", models.IntegerField(primary_key=True, serialize=False)),
                ("state", models.CharField(choices=[("open", "Open"), ("done", "Done")], default="open", max_length=8)),
                ("next_shard", models.IntegerField(default=0)),
                ("again", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("state", "open")), fields=["day"], name="day_to_roll_up")],
            },
        ),
        migrations.CreateModel(
            name="RecordedHour",
            fields=[
                ("hour", models.IntegerField(primary_key=True, serialize=False)),
                ("state", models.CharField(choices=[("open", "Open"), ("done", "Done")], default="open", max_length=8)),
                ("next_shard", models.IntegerField(default=0)),
                ("again", models.BooleanField(default=False)),
                ("results", models.BigIntegerField(default=0)),
                ("touched_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("state", "open")), fields=["hour"], name="hour_to_pack")],
            },
        ),
        migrations.CreateModel(
            name="Gap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("trimmed", "the stream was cut before it was read"),
                            ("unreadable", "what the region wrote cannot be read"),
                            ("implausible", "results of another day, or of the future"),
                            ("unknown_monitor", "results of monitors that do not exist"),
                        ],
                        max_length=20,
                    ),
                ),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField()),
                ("results", models.BigIntegerField(null=True)),
                (
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="gaps", to="monitors.region"
                    ),
                ),
            ],
            options={
                "ordering": ("-to_at", "-id"),
                "indexes": [models.Index(fields=["region", "to_at"], name="gap_by_region")],
            },
        ),
        migrations.CreateModel(
            name="Unwatched",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_at", models.DateTimeField()),
                ("to_at", models.DateTimeField(null=True)),
                (
                    "monitor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="unwatched", to="monitors.monitor"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "unwatched",
                "indexes": [models.Index(fields=["monitor", "from_at"], name="unwatched_by_monitor")],
            },
        ),
        migrations.RunSQL(UNWATCHED, NOT_UNWATCHED),
    ]
