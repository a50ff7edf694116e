"""Team selection: which team a person acts for."""

from __future__ import annotations

from vigil.accounts.models import Membership, Team, User

DEFAULT_TEAM = "default"


def default_team() -> Team:
    """The team of the first migration; recreated if removed."""
    return Team.objects.get_or_create(slug=DEFAULT_TEAM, defaults={"name": "Default"})[0]


def membership_of(user: User) -> Membership | None:
    """Membership under which a person acts: their oldest."""
    return Membership.objects.select_related("team").filter(user=user).order_by("id").first()
