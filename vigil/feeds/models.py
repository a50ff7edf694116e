"""Feed models: feeds and their posts. They belong to the installation, not to a team."""

from __future__ import annotations

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q

from vigil.feeds.core.catalogue import SOURCES
from vigil.monitors.core.providers import PROVIDERS, name_of


class Feed(models.Model):
    """A status feed: last readable at `ok_at`, `problem` since then. Empty `url`: the catalogue's address."""

    provider = models.CharField(
        max_length=40, unique=True, choices=[(key, PROVIDERS[key].name) for key in sorted(SOURCES)]
    )
    enabled = models.BooleanField(default=False)
    url = models.CharField(max_length=500, blank=True, default="", validators=[URLValidator(["http", "https"])])
    etag = models.CharField(max_length=200, blank=True, default="", editable=False)
    modified = models.CharField(max_length=100, blank=True, default="", editable=False)
    format = models.CharField(max_length=20, blank=True, default="", editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    ok_at = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.CharField(max_length=200, blank=True, default="", editable=False)

    class Meta:
        ordering = ("provider",)

    def __str__(self) -> str:
        return name_of(self.provider)

    @property
    def address(self) -> str:
        return self.url or SOURCES[self.provider].url


class FeedPost(models.Model):
    """A post of a feed. `seen_at` is when we first saw it, from which lead counts.

    `absent_at` is the last read without it; None if it was there at the first read. `created_at` is the provider's
    time.
    """

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="posts")
    external_id = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    seen_at = models.DateTimeField()
    absent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-seen_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["feed", "external_id"], condition=Q(ended_at=None), name="feed_post_open_once"
            )
        ]
        indexes = [
            # Used by an incident's statement: posts around that time.
            models.Index(fields=["feed", "seen_at"], name="feed_post_seen")
        ]

    def __str__(self) -> str:
        return self.title
