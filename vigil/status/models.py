"""Models of status pages: pages, components, public incidents and their updates. Written through `changes` only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.incidents.models import Incident
from vigil.status.core.states import PublicImpact, UpdateState
from vigil.status.incident_models import TEXT_MOST
from vigil.status.page_models import PageComponent, PagePicture, StatusPage, all_kinds, new_component, new_status_page
from vigil.status.subscriber_models import Subscriber, SubscriberLetter, SubscriptionRequest
from vigil.visible_text import visible_line

__all__ = [
    "PageComponent",
    "PagePicture",
    "PublicIncident",
    "PublicUpdate",
    "StatusPage",
    "Subscriber",
    "SubscriberLetter",
    "SubscriptionRequest",
    "all_kinds",
    "new_component",
    "new_status_page",
]

POSTMORTEM_MOST = 20_000


def new_public_incident() -> str:
    return public_ids.new("pin")


def new_public_update() -> str:
    return public_ids.new("upd")


class PublicIncident(models.Model):
    """What a page tells of a failure, or, with a `maintenance`, of planned work.

    `incident` is the one of Vigil that it is about, and is never shown. `is_automatic` while a rule writes it: a person
    who does takes it over.
    """

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=new_public_incident, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="public_incidents")
    page = models.ForeignKey(StatusPage, on_delete=models.CASCADE, related_name="incidents")
    incident = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, blank=True, related_name="published")
    title = models.CharField(max_length=200, validators=[visible_line])
    impact = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in PublicImpact], default=PublicImpact.MINOR
    )
    state = models.CharField(
        max_length=16,
        choices=[(one.value, one.value) for one in UpdateState],
        default=UpdateState.INVESTIGATING,
        editable=False,
        help_text="That of its newest update.",
    )
    components = models.ManyToManyField(PageComponent, related_name="incidents", blank=True)
    started_at = models.DateTimeField()
    published_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When readers could see it first; null for a draft."
    )
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_automatic = models.BooleanField(default=False, editable=False)
    postmortem = models.CharField(
        max_length=POSTMORTEM_MOST, blank=True, default="", help_text="What happened and what changes, when it is over."
    )
    edited_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When its title, impact, components or window was changed after it was published.",
    )
    postmortem_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When readers could see the postmortem; null for a draft."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-started_at", "-id")
        indexes = (
            # Used by the projection of a page: what is open, and what is of late.
            models.Index(fields=["page", "-started_at"], name="public_incident_by_page"),
        )

    def __str__(self) -> str:
        return self.title


class PublicUpdates(models.QuerySet["PublicUpdate"]):
    """Updates, of which drafts and those that are to be sent later are visible to the team alone."""

    def published(self) -> PublicUpdates:
        """What readers can see."""
        return self.filter(published_at__isnull=False)

    def newest_first(self) -> PublicUpdates:
        """What readers can see, the newest first."""
        return self.published().order_by("-published_at", "-id")


class PublicUpdate(models.Model):
    """One thing said about a public incident; a draft until `published_at`. `written_by` stays inside."""

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=new_public_update, editable=False
    )
    incident = models.ForeignKey(PublicIncident, on_delete=models.CASCADE, related_name="updates")
    state = models.CharField(max_length=16, choices=[(one.value, one.value) for one in UpdateState])
    text = models.CharField(max_length=TEXT_MOST)
    published_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When readers could see it; null for a draft."
    )
    publish_at = models.DateTimeField(null=True, blank=True, help_text="When it is to be published by itself.")
    edited_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its text was changed after it was published."
    )
    held_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When it was held back as a draft: by its moment it could not come next, since the incident was over,"
        " or planned work further on.",
    )
    written_by = models.CharField(max_length=120, blank=True, default="", editable=False)
    told_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its letters to subscribers were written."
    )

    objects = PublicUpdates.as_manager()

    class Meta:
        # PostgreSQL puts drafts, which have no time, at the end.
        ordering = ("incident", "published_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(publish_at=None), name="update_is_published_or_waits"
            ),
            models.CheckConstraint(
                condition=Q(edited_at=None) | Q(published_at__isnull=False), name="update_is_edited_in_public"
            ),
        )
        indexes = (
            # Used by the publisher: the few that wait for their moment.
            models.Index(fields=["publish_at"], name="update_waits", condition=Q(publish_at__isnull=False)),
            # Used by the sender of letters: the few of which subscribers have not been told.
            models.Index(
                fields=["published_at"], name="update_not_told", condition=Q(told_at=None, published_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} {self.state}"

    @property
    def is_draft(self) -> bool:
        """Whether it waits for a person."""
        return self.published_at is None and self.publish_at is None
