"""Regions in shadow: compares what new regions see with what is believed, and lets them vote once they agree."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from vigil.dispatch.core.shadow import ShadowAgreement, ShadowVote
from vigil.enrolment.models import RegionShadow
from vigil.incidents.models import MonitorState
from vigil.monitors.live.config_channel import notify_region
from vigil.monitors.live.results import latest_results

#: Monitors of a region that are compared.
_MONITORS_MOST = 500


class ShadowRegions:
    """Call `judge` about once a second; without a new region it costs one query."""

    def __init__(self) -> None:
        self._agreements: dict[int, ShadowAgreement] = {}

    def judge(self) -> None:
        shadows = list(RegionShadow.objects.filter(voting_since=None).select_related("region"))
        self._agreements = {one.pk: self._agreements.get(one.pk) or ShadowAgreement(one.agreed) for one in shadows}
        for shadow in shadows:
            agreement = self._agreements[shadow.pk]
            votes = agreement.take(_shadow_votes(shadow))
            if agreement.agreed != shadow.agreed or votes:
                _store(shadow, agreement.agreed, votes)


def _store(shadow: RegionShadow, agreed: int, votes: bool) -> None:
    with transaction.atomic():
        RegionShadow.objects.filter(pk=shadow.pk).update(agreed=agreed, voting_since=Now() if votes else None)
        if votes:
            notify_region(shadow.region.slug)


def _shadow_votes(shadow: RegionShadow) -> list[ShadowVote]:
    slug = shadow.region.slug
    states = MonitorState.objects.filter(monitor__regions=shadow.region, monitor__deleted_at=None)
    believed = dict(states.values_list("monitor__public_id", "status")[:_MONITORS_MOST])
    latest = latest_results(list(believed), [slug])
    return [
        ShadowVote(monitor, found[slug].at_ms, found[slug].status.value, believed[monitor])
        for monitor, found in latest.results.items()
        if slug in found
    ]
