"""Regions in shadow: compares what new regions see with what is believed, and lets them vote once they agree.

What a region sees is read from its stream of results, where it is signed, from the moment that this process first meets
the region. Consensus counts what is refused there.
"""

from __future__ import annotations

from dataclasses import dataclass

import redis
from django.db import transaction
from django.db.models.functions import Now

from probes import keys
from probes.process.connections.split import regions_of
from probes.process.redis_streams import RegionStreams, redis_now_ms
from probes.reasons import Reason
from probes.wire import Result
from vigil.control_keys import published_keys
from vigil.dispatch.core.shadow import ShadowAgreement, ShadowVote
from vigil.enrolment.models import RegionShadow
from vigil.incidents.models import MonitorState
from vigil.monitors.live.config_channel import notify_region
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Region

#: Entries of a stream that are looked at in one turn; what else has come by then is passed over.
ENTRIES_MOST = 200
#: Results of a turn that are compared.
RESULTS_MOST = 2_000
#: An older check was of another time than what is believed now: a region sends what it kept later.
AGE_MOST_MS = 120_000

#: A region and the key that it signs with: a worker that is enrolled again begins anew.
Signatory = tuple[int, bytes]


@dataclass(slots=True)
class _Followed:
    """How far a region's stream is read, and how its checks agreed."""

    agreement: ShadowAgreement
    position: bytes


class ShadowRegions:
    """Call `judge` about once a second; without a new region it costs one query."""

    def __init__(self) -> None:
        self._followed: dict[Signatory, _Followed] = {}
        self._streams = RegionStreams(redis_client(), ENTRIES_MOST)
        self._published = published_keys(redis_client())

    def judge(self) -> None:
        """Raises `redis.RedisError` when Redis is away."""
        shadows = list(RegionShadow.objects.filter(voting_since=None).select_related("region"))
        now_ms = redis_now_ms(regions_of(redis_client())) if shadows else 0
        self._followed = {_signatory(one): self._follow(one, now_ms) for one in shadows}
        for shadow in shadows:
            agreement = self._followed[_signatory(shadow)].agreement
            votes = agreement.take(_votes(shadow, self._read(shadow, now_ms)))
            if agreement.agreed != shadow.agreed or votes:
                _store(shadow, agreement.agreed, votes)

    def _follow(self, shadow: RegionShadow, now_ms: int) -> _Followed:
        known = self._followed.get(_signatory(shadow))
        return known or _Followed(ShadowAgreement(shadow.agreed), _at(now_ms))

    def _read(self, shadow: RegionShadow, now_ms: int) -> list[Result]:
        """Scheduled results of now that the region signed; none where its stream cannot be read."""
        slug, followed = shadow.region.slug, self._followed[_signatory(shadow)]
        name = keys.results(slug).encode()
        try:
            entries = self._streams.after(name, followed.position)
        except redis.ResponseError:
            # The region has written something else there, which consensus mends.
            return []
        if entries:
            followed.position = _at(now_ms) if self._streams.has_more(name, entries) else entries[-1][0]
        keyring = self._published.keyring()
        signed = [keyring.admit_results(slug, fields, now_ms, AGE_MOST_MS).results for _, fields in entries]
        return [one for results in signed for one in results if _counts(one, now_ms)]


def _counts(result: Result, now_ms: int) -> bool:
    """Whether a result is of a scheduled check that ended, and of now."""
    return not result.round and result.reason is not Reason.OVERDUE and now_ms - result.at_ms < AGE_MOST_MS


def _signatory(shadow: RegionShadow) -> Signatory:
    return shadow.pk, bytes(shadow.region.signing_key or b"")


def _at(now_ms: int) -> bytes:
    return keys.entry_id_text((now_ms, 0)).encode()


def _votes(shadow: RegionShadow, results: list[Result]) -> list[ShadowVote]:
    if not results:
        return []
    newest = results[-RESULTS_MOST:]
    states = MonitorState.objects.filter(
        monitor__public_id__in={one.monitor for one in newest}, monitor__regions=shadow.region, monitor__deleted_at=None
    )
    believed = dict(states.values_list("monitor__public_id", "status"))
    return [
        ShadowVote(one.monitor, one.at_ms, one.status.value, believed[one.monitor])
        for one in newest
        if one.monitor in believed
    ]


def _store(shadow: RegionShadow, agreed: int, votes: bool) -> None:
    with transaction.atomic():
        # Not of a worker that was enrolled since it was read, nor of one that is enrolled just now: its row is locked.
        regions = Region.objects.select_for_update().filter(pk=shadow.pk, signing_key=shadow.region.signing_key)
        found = RegionShadow.objects.filter(pk=shadow.pk)
        if regions.first() and found.update(agreed=agreed, voting_since=Now() if votes else None) and votes:
            notify_region(shadow.region.slug)
