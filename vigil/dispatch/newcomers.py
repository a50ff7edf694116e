"""Newcomers: compares what new regions see with what is believed, and lets them vote once they agree."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from vigil.dispatch.core.newcomers import Newcomer, ShadowVote
from vigil.enrolment.models import Probation
from vigil.incidents.models import MonitorState
from vigil.monitors.live.config_channel import notify_region
from vigil.monitors.live.results import latest_results

#: Monitors of a region that are compared.
_MONITORS_MOST = 500


class Newcomers:
    """Call `judge` about once a second; without a new region it costs one query."""

    def __init__(self) -> None:
        self._known: dict[int, Newcomer] = {}

    def judge(self) -> None:
        open_ones = list(Probation.objects.filter(voting_since=None).select_related("region"))
        self._known = {one.pk: self._known.get(one.pk) or Newcomer(one.agreed) for one in open_ones}
        for probation in open_ones:
            newcomer = self._known[probation.pk]
            votes = newcomer.take(_shadow_votes(probation))
            if newcomer.agreed != probation.agreed or votes:
                _store(probation, newcomer.agreed, votes)


def _store(probation: Probation, agreed: int, votes: bool) -> None:
    with transaction.atomic():
        Probation.objects.filter(pk=probation.pk).update(agreed=agreed, voting_since=Now() if votes else None)
        if votes:
            notify_region(probation.region.slug)


def _shadow_votes(probation: Probation) -> list[ShadowVote]:
    slug = probation.region.slug
    states = MonitorState.objects.filter(monitor__regions=probation.region, monitor__deleted_at=None)
    believed = dict(states.values_list("monitor__public_id", "status")[:_MONITORS_MOST])
    latest = latest_results(list(believed), [slug])
    return [
        ShadowVote(monitor, found[slug].at_ms, found[slug].status.value, believed[monitor])
        for monitor, found in latest.results.items()
        if slug in found
    ]
