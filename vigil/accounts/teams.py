"""Which team a person acts for."""

from __future__ import annotations

from vigil.accounts.models import Membership, Team, User

DEFAULT_TEAM = "default"


def default_team() -> Team:
    """The team that exists from the first migration on; made again if someone removed it."""
    return Team.objects.get_or_create(slug=DEFAULT_TEAM, defaults={"name": "Default"})[0]


def membership_of(user: User) -> Membership | None:
    """The membership under which a signed-in person acts: their oldest."""
    return Membership.objects.select_related("team").filter(user=user).order_by("id").first()
