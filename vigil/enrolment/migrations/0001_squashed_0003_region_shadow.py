"""Enrolment of regions: the tables of a new installation in one step, for the 3 of an older one."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import vigil.accounts.sealed
from vigil.database.create_tables import CreateTables


class Migration(migrations.Migration):
    replaces = [("enrolment", "0001_initial"), ("enrolment", "0002_probation"), ("enrolment", "0003_region_shadow")]

    initial = True

    dependencies = [
        ("monitors", "0001_squashed_0013_regions_sign"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="RedisAccess",
                    fields=[
                        (
                            "region",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="redis_access",
                                serialize=False,
                                to="monitors.region",
                            ),
                        ),
                        ("password", vigil.accounts.sealed.SealedTextField()),
                        ("previous", vigil.accounts.sealed.SealedTextField(blank=True, default="")),
                        ("previous_until", models.DateTimeField(null=True)),
                        ("revision", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "verbose_name_plural": "Redis access",
                    },
                ),
                migrations.CreateModel(
                    name="EnrolmentCode",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("prefix", models.CharField(max_length=8, unique=True)),
                        ("sha256", models.CharField(max_length=64)),
                        ("redis_password", vigil.accounts.sealed.SealedTextField()),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("failures", models.PositiveSmallIntegerField(default=0)),
                        ("used_at", models.DateTimeField(null=True)),
                        ("used_from", models.GenericIPAddressField(null=True)),
                        ("signing_key", models.BinaryField(max_length=32, null=True)),
                        ("sealing_key", models.BinaryField(max_length=32, null=True)),
                        ("refused_at", models.DateTimeField(null=True)),
                        ("refused_from", models.GenericIPAddressField(null=True)),
                        (
                            "region",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="enrolment_codes",
                                to="monitors.region",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-id",),
                        "indexes": [models.Index(fields=["region", "-id"], name="enrolment_of_region")],
                    },
                ),
                migrations.CreateModel(
                    name="RegionShadow",
                    fields=[
                        (
                            "region",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="shadow",
                                serialize=False,
                                to="monitors.region",
                            ),
                        ),
                        ("agreed", models.PositiveSmallIntegerField(default=0)),
                        ("voting_since", models.DateTimeField(null=True)),
                    ],
                ),
            ]
        ),
    ]
