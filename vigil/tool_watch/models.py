"""Tool list model: the tools of a monitor's MCP server as they are known."""

from __future__ import annotations

from django.db import models

from vigil.monitors.models import Monitor


class ToolList(models.Model):
    """The last list that most regions agreed on. `tools` has rows of name, hash of words, hash of schemas; null where
    they are too many. `candidate` is the fingerprint of another list that settles."""

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, related_name="tool_list", primary_key=True)
    target = models.CharField(max_length=2048)
    fingerprint = models.CharField(max_length=16)
    count = models.PositiveIntegerField()
    tools = models.JSONField(null=True)
    instructions = models.CharField(max_length=16, blank=True, default="")
    server = models.CharField(max_length=120, blank=True, default="")
    version = models.CharField(max_length=20, blank=True, default="")
    seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    candidate = models.CharField(max_length=16, blank=True, default="")
    candidate_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.count} tools, {self.fingerprint}"
