"""Enrolment models: codes, the Redis access of each region, and new regions in shadow."""

from __future__ import annotations

from django.db import models

from vigil.accounts.sealed import SealedTextField
from vigil.monitors.models import Region


class EnrolmentCode(models.Model):
    """A code that enrols the worker of a region once. Only its hash is stored."""

    region = models.ForeignKey(Region, on_delete=models.CASCADE, related_name="enrolment_codes")
    #: First part of the code, by which it is found; no secret.
    prefix = models.CharField(max_length=8, unique=True)
    sha256 = models.CharField(max_length=64)
    #: The Redis password that the worker gets for it.
    redis_password = SealedTextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    #: Wrong codes with this prefix.
    failures = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    used_from = models.GenericIPAddressField(null=True)
    #: The public keys that it was used with.
    signing_key = models.BinaryField(max_length=32, null=True)
    sealing_key = models.BinaryField(max_length=32, null=True)
    #: The last use with other keys, which was refused.
    refused_at = models.DateTimeField(null=True)
    refused_from = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["region", "-id"], name="enrolment_of_region")]

    def __str__(self) -> str:
        return f"{self.prefix} for {self.region_id}"


class RedisAccess(models.Model):
    """Passwords of a region's Redis user: the last one, and the one before while both are taken."""

    region = models.OneToOneField(Region, on_delete=models.CASCADE, related_name="redis_access", primary_key=True)
    password = SealedTextField()
    previous = SealedTextField(default="", blank=True)
    previous_until = models.DateTimeField(null=True)
    #: How often the region was enrolled.
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "Redis access"

    def __str__(self) -> str:
        return f"Redis access of {self.region_id}, revision {self.revision}"


class RegionShadow(models.Model):
    """The time in shadow of a region that was added beside others: it checks, and its votes do not count yet."""

    region = models.OneToOneField(Region, on_delete=models.CASCADE, related_name="shadow", primary_key=True)
    #: Checks in a row that agreed with what was believed.
    agreed = models.PositiveSmallIntegerField(default=0)
    #: Since when its votes count; none: it is in shadow.
    voting_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.region_id}, agreed {self.agreed}"
