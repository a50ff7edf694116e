"""Models of status pages and of what they show. Written through `changes` only."""

from __future__ import annotations

from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.feeds.core.catalogue import SOURCES
from vigil.monitors.core.providers import name_of
from vigil.monitors.models import Monitor
from vigil.status.core.access import PageAccess, PagePlace, PageVisibility
from vigil.status.core.domains import DOMAIN_MOST
from vigil.status.core.languages import DEFAULT, LANGUAGES
from vigil.status.core.look.pictures import PictureRole
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.visible_text import visible_line

_slug = RegexValidator(r"\A[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z", "Lower case letters, digits and hyphens, such as acme.")


def new_status_page() -> str:
    return public_ids.new("stp")


def new_component() -> str:
    return public_ids.new("com")


def all_kinds() -> list[str]:
    return [one.value for one in SubscriberKind]


class StatusPage(models.Model):
    """A page that a team publishes. `revision` grows with what it shows; `access` is the hash of its password."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_status_page, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="status_pages")
    slug = models.CharField(
        max_length=60, unique=True, validators=[_slug, MinLengthValidator(2)], help_text="Its address: /status/SLUG."
    )
    title = models.CharField(max_length=100, validators=[visible_line])
    header = models.CharField(max_length=1_000, blank=True, default="", help_text="Markdown above the components.")
    footer = models.CharField(max_length=1_000, blank=True, default="", help_text="Markdown at the end of the page.")
    visibility = models.CharField(
        max_length=10,
        choices=[(one.value, one.value) for one in PageVisibility],
        default=PageVisibility.PUBLIC,
        help_text="Who may read it: everyone, who knows the password, members of the team, or clients in `networks`.",
    )
    networks = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    domain = models.CharField(
        max_length=DOMAIN_MOST,
        blank=True,
        default="",
        db_default="",
        help_text="A domain of its own, such as status.example.com.",
    )
    language = models.CharField(
        max_length=10,
        choices=[(tag, words.name) for tag, words in LANGUAGES.items()],
        default=DEFAULT,
        db_default=DEFAULT,
        help_text="Of the words that are not yours.",
    )
    accent = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        help_text="Colour of links and buttons, such as #0b6784; made darker or lighter where it could not be read.",
    )
    access = models.CharField(max_length=200, blank=True, default="", editable=False)
    enabled = models.BooleanField(default=True, help_text="Whether it is served.")
    subscriber_kinds = models.JSONField(
        default=all_kinds,
        # A web process of the release before makes pages without it while both run.
        db_default=models.Value(all_kinds(), models.JSONField()),
        blank=True,
        help_text="How readers may subscribe: email, webhook, slack.",
    )
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("title", "id")
        constraints = (
            models.CheckConstraint(
                condition=~Q(visibility=PageVisibility.PASSWORD) | ~Q(access=""), name="status_page_has_its_password"
            ),
            models.UniqueConstraint(fields=["domain"], condition=~Q(domain=""), name="status_page_by_domain"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def readers(self) -> PageAccess:
        """What a reader needs, without what its visibility does not ask for."""
        visibility = PageVisibility(self.visibility)
        networks = tuple(self.networks) if visibility is PageVisibility.ADDRESSES else ()
        team = self.team_id if visibility is PageVisibility.TEAM else 0
        return PageAccess(visibility, self.access, networks, team)

    @property
    def place(self) -> PagePlace:
        return PagePlace(self.slug, self.domain, self.readers)


class PagePicture(models.Model):
    """A picture of a page: what was checked of it, and its bytes."""

    page = models.ForeignKey(StatusPage, on_delete=models.CASCADE, related_name="pictures")
    role = models.CharField(max_length=10, choices=[(one.value, one.value) for one in PictureRole])
    ending = models.CharField(max_length=5)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ("page", "role")
        constraints = (models.UniqueConstraint(fields=["page", "role"], name="picture_by_role"),)

    def __str__(self) -> str:
        return f"{self.page_id} {self.role}"


class PageComponent(models.Model):
    """What a page shows under a public name: one monitor (also a heartbeat or a composite), or those with a tag."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_component, editable=False)
    page = models.ForeignKey(StatusPage, on_delete=models.CASCADE, related_name="components")
    name = models.CharField(max_length=100, validators=[visible_line], help_text="Its public name.")
    group = models.CharField(max_length=100, blank=True, default="", validators=[visible_line])
    description = models.CharField(max_length=200, blank=True, default="", validators=[visible_line])
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, null=True, blank=True, related_name="components")
    tag = models.CharField(max_length=50, blank=True, default="", help_text="All monitors with this tag together.")
    provider = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        choices=[(key, name_of(key)) for key in sorted(SOURCES)],
        help_text="Whose status page is quoted while this is in trouble; its feed has to be on.",
    )
    shows_latency = models.BooleanField(
        default=False, db_default=False, help_text="Whether readers see its response times of 90 days."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("page", "position", "id")
        constraints = (
            models.UniqueConstraint(fields=["page", "name"], name="component_name_in_page"),
            models.CheckConstraint(
                condition=Q(monitor__isnull=False, tag="") | (Q(monitor=None) & ~Q(tag="")),
                name="component_is_about_one_thing",
            ),
        )

    def __str__(self) -> str:
        return self.name
