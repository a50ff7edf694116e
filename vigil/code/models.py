"""Models of monitors as code: who owns which object, and plans."""

from __future__ import annotations

from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField


def new_plan() -> str:
    return public_ids.new("pln")


class ManagedObject(models.Model):
    """Ownership of an object by a project: its section and key in the document, and where it is written.

    `public_id` names the object; it may have been deleted elsewhere. `references` are the texts of its secrets, such as
    `${env:NAME}`, by name. `written` is how the document writes what its stored value does not tell, by the paths of
    `Wanted.written`, each with a keyed hash of the value that it had: [as written, hash].
    `applied` is the object as the document wrote it when it was applied last, and keyed hashes of its secrets; empty
    where it was adopted since, or applied by an older version.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="managed_objects")
    project = models.CharField(max_length=100)
    section = models.CharField(max_length=20)
    key = models.CharField(max_length=100)
    public_id = models.CharField(max_length=60)
    file = models.CharField(max_length=500, blank=True, default="")
    line = models.PositiveIntegerField(default=0)
    references = models.JSONField(default=dict)
    written = models.JSONField(default=dict)
    applied = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["team", "project", "section", "key"], name="managed_key_in_project"),
            models.UniqueConstraint(fields=["team", "public_id"], name="managed_object_once"),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.section}.{self.key}"


class ConfigurationPlan(models.Model):
    """A plan of a team: what the document would change, and the revision that it was made against.

    `sealed` holds the document, since values of references are in it, and values of secrets by address and name; all
    of it is gone once the plan is applied.
    """

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_plan, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="plans")
    project = models.CharField(max_length=100)
    revision = models.CharField(max_length=24)
    prune = models.BooleanField(default=False)
    sealed = SealedJSONField()
    changes = models.JSONField(default=list)
    paging = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    commit = models.CharField(max_length=100, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    applied_by = models.CharField(max_length=150, blank=True, default="")
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.public_id} of {self.project}"
