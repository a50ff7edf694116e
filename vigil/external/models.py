"""Model of external incidents: until when the system that reported one vouches for it."""

from __future__ import annotations

from django.db import models

from vigil.incidents.models import Incident


class ExternalReport(models.Model):
    """The last word of another system on an open incident; without another one it ends at `ends_at`."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="external")
    heard_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes = (
            # Used by ingest to end what nobody vouches for any more.
            models.Index(fields=["ends_at"], name="external_ends"),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} until {self.ends_at}"
