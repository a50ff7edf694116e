"""The only write path of composites: what several monitors mean together, such as a provider and its fallbacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.monitors.models import Composite, CompositeMember, Monitor

MEMBERS_MOST = 200


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: the group's name, and the monitors of which any one is enough."""

    group: str
    monitors: tuple[Monitor, ...]


def write_chain(team: Team, name: str, links: Sequence[Link]) -> tuple[Composite, bool]:
    """Create or change the fallback chain of that name: the first link serves, the others stand in, in their order.

    Returns it and whether anything was written. Raises `ValidationError` when a monitor is another team's.
    """
    wanted = [(rank, link.group, monitor.pk) for rank, link in enumerate(links) for monitor in link.monitors]
    if any(monitor.team_id != team.pk for link in links for monitor in link.monitors):
        raise ValidationError({"members": ["A chain holds monitors of its own team only."]})
    if not wanted or len(wanted) > MEMBERS_MOST:
        raise ValidationError({"members": [f"A chain has 1 to {MEMBERS_MOST} members."]})
    with transaction.atomic():
        composite, created = Composite.objects.select_for_update().get_or_create(team=team, name=name[:200])
        present = list(composite.members.order_by("rank", "id").values_list("rank", "group", "monitor_id"))
        if not created and sorted(present) == sorted(wanted):
            return composite, False
        composite.members.all().delete()
        CompositeMember.objects.bulk_create(
            CompositeMember(composite=composite, rank=rank, group=group[:200], monitor_id=monitor)
            for rank, group, monitor in wanted
        )
        composite.save(update_fields=["updated_at"])
    return composite, True
