"""Best alternatives now for models whose monitors fail, from offers of gateways that the same team watches."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models.functions import Now

from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.monitors.core.named_models import named_models
from vigil.monitors.core.providers import name_of
from vigil.monitors.models import Monitor
from vigil.offers.core.ranking import RULE_WORDS, RankedBy, best, in_words
from vigil.offers.models import FRESH, MonitorOffers

OFFERS_MOST = 500


def alternatives_of(monitors: Iterable[str]) -> dict[str, str]:
    """A sentence for each failing monitor (public ids) that names a model which a gateway offers elsewhere.

    One query where nobody watches offers. Not of a gateway that fails itself.
    """
    wanted = list(monitors)
    fresh = MonitorOffers.objects.filter(read_at__gt=Now() - FRESH, monitor__deleted_at=None).select_related("monitor")
    failing_gateways = Incident.objects.filter(
        monitor__offers__isnull=False, resolved_at=None, kind__in=(IncidentKind.OUTAGE, IncidentKind.ACCOUNT)
    )
    fresh = fresh.exclude(monitor__in=failing_gateways.values("monitor"))
    offered = list(fresh.order_by("-read_at")[:OFFERS_MOST]) if wanted else []
    if not offered:
        return {}
    teams = {row.monitor.team_id for row in offered}
    found = {}
    for failing in Monitor.objects.filter(public_id__in=wanted, team__in=teams):
        said = _sentence(failing, offered)
        if said:
            found[failing.public_id] = said
    return found


def _sentence(failing: Monitor, offered: list[MonitorOffers]) -> str:
    models = {_plain(model) for model in named_models(failing.config)}
    for row in offered:
        gateway = row.monitor
        same = gateway.team_id == failing.team_id and _plain(row.model) in models
        if not same or (gateway.provider and gateway.provider == failing.provider):
            continue
        one = best(row.offers, RankedBy.PRICE, without=[failing.provider, name_of(failing.provider)])
        if one is not None:
            where = name_of(gateway.provider) or gateway.name
            return (
                f"Best alternative now, at {where}: {in_words(one)} ({RULE_WORDS[RankedBy.PRICE]}; "
                f"read {row.read_at:%H:%M} UTC)."
            )
    return ""


def _plain(model: str) -> str:
    """A model's name without its author, as providers and gateways share it."""
    return model.rpartition("/")[2].lower()
