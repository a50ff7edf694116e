"""Person model: a member of the on-call team, and their channels."""

from __future__ import annotations

from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team, User
from vigil.alerts.models.channel import Channel
from vigil.visible_text import visible_line


def new_person() -> str:
    return public_ids.new("per")


class Person(models.Model):
    """A person to call. Their channels get alerts only through policies and routes that name them."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_person, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="people")
    name = models.CharField(max_length=100, validators=[visible_line])
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="people")
    channels = models.ManyToManyField(Channel, related_name="people", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        verbose_name_plural = "people"
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="person_name_in_team")]

    def __str__(self) -> str:
        return self.name
