"""Trials: one look of a saved or unsaved monitor from chosen regions, with every region's answer within a deadline.

A trial goes to the regions' queues for rounds, and its results come on their streams of results, where consensus and
record pass them over. What was asked and what came is kept in Redis for some minutes, and nowhere else.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import cast

import msgspec
import redis
import structlog
from django.core.exceptions import ValidationError

from consensus.quarantine_list import read_quarantines
from consensus.vocabulary import Exclusion, Sensitivity
from probes import keys, wire
from probes.process.connections.split import regions_of
from probes.process.redis_client import described
from probes.process.redis_streams import redis_now_ms
from probes.process.region_statuses import read_statuses
from probes.seal import binding
from probes.signing.signatures import Signer
from vigil.accounts import public_ids
from vigil.configuration import configuration
from vigil.control_keys import control_macs, control_signer
from vigil.dispatch.catalogue import sealer
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.dispatch.core.trials import (
    Trial,
    TrialReport,
    TrialState,
    deadline_ms,
    decode_trial,
    encode_trial,
    open_trial,
    report,
    trial_orders,
)
from vigil.dispatch.trial_answers import answers_of, keep, open_field
from vigil.dispatch.trial_limits import TrialLane, admit
from vigil.monitors.core.targets import host_of, target_of
from vigil.monitors.live.results import redis_client, region_keys
from vigil.monitors.models import DerivedKind, Monitor, Region

#: Callers of one process that wait for their trial at a time; others are answered at once and ask again.
WAITING_MOST = 3
_POLL_S = 0.2
_TRIAL = b"*"
_NOT_CHECKED = "Regions do not check a {}: there is nothing to try."
_BILLED = "Every answer of a canary is billed, and a trial has no budget: save it, and it asks in its own time."

log = structlog.get_logger()

_waiting = threading.BoundedSemaphore(WAITING_MOST)


class TrialsUnavailable(Exception):
    """Redis is away, so nothing can be asked of a region."""


def start(monitor: Monitor, regions: Sequence[Region], lane: TrialLane = TrialLane.BY_HAND) -> TrialReport:
    """Begin a trial of a monitor, which need not be saved, in these regions; returns at once.

    Raises `ValidationError` by field, `TooManyTrials` and `TrialsUnavailable`.
    """
    trial_id = public_ids.new(wire.TRIAL_PREFIX.rstrip("_"))
    plan = _plan(trial_id, monitor, regions)
    with _redis_answers() as client:
        now_ms = redis_now_ms(regions_of(client))
        admit(client, lane, (monitor.team.public_id, plan.host), now_ms)
        found = read_statuses(client, [region.slug for region in plan.regions], region_keys())
        round = open_trial(plan, {region: status for region, status in found.items() if status is not None}, now_ms)
        orders = dict(trial_orders(plan, round))
        trial = Trial(
            id=trial_id,
            team=monitor.team.public_id,
            monitor=monitor.public_id if monitor.pk else "",
            kind=plan.kind,
            target=plan.target[:1_000],
            started_ms=now_ms,
            deadline_ms=deadline_ms(round),
            round=round,
            asked=_sent(orders, trial_id, plan.timeout_ms),
        )
        keep(client, trial, {_TRIAL: encode_trial(trial)})
        return report(trial, {}, {}, now_ms)


def find(team: str, trial_id: str) -> TrialReport | None:
    """A team's trial as it stands now; None for one that is over since some minutes. Raises `TrialsUnavailable`."""
    with _redis_answers() as client:
        stored = cast(dict[bytes, bytes], client.hgetall(keys.trial(trial_id)))
        try:
            body = open_field(trial_id, _TRIAL, stored, redis_now_ms(regions_of(client)))
            trial = decode_trial(body)
        except msgspec.DecodeError:
            return None
        if trial.team != team:
            return None
        now_ms = redis_now_ms(regions_of(client))
        return report(trial, answers_of(client, trial, stored, now_ms), _quarantined(client), now_ms)


def wait(team: str, trial_id: str) -> TrialReport | None:
    """The same once every region has answered, or the deadline has passed; sooner where too many wait already."""
    if not _waiting.acquire(blocking=False):
        return find(team, trial_id)
    try:
        while True:
            found = find(team, trial_id)
            if found is None or found.state is TrialState.DONE:
                return found
            time.sleep(_POLL_S)
    finally:
        _waiting.release()


def _plan(trial_id: str, monitor: Monitor, regions: Sequence[Region]) -> Plan:
    # The probers' dependencies load slowly, and most processes of the control plane never try a monitor.
    from probes.probers import SpecError, encode_spec, read_spec

    if monitor.kind in DerivedKind:
        raise ValidationError({"kind": [_NOT_CHECKED.format(monitor.kind)]})
    if monitor.kind == wire.CANARY_KIND:
        raise ValidationError({"kind": [_BILLED]})
    if monitor.paused and monitor.paused_why:
        raise ValidationError({"config": [f"Paused by Vigil: {monitor.paused_why}."]})
    if not regions:
        raise ValidationError({"regions": ["Name at least one region: this monitor has none that is enabled."]})
    try:
        spec = encode_spec(read_spec(monitor.kind, monitor.config))
    except SpecError as refused:
        raise ValidationError({"config": [f"{refused.field}: {refused.problem}"]}) from None
    target = target_of(monitor.config)
    return Plan(
        monitor=trial_id,
        kind=monitor.kind,
        interval_ms=0,
        timeout_ms=monitor.timeout_ms,
        spec=spec,
        regions=tuple(_region_plan(region, trial_id, monitor, spec) for region in regions),
        sensitivity=Sensitivity(monitor.sensitivity),
        revision=0,
        target=target,
        host=host_of(target),
    )


def _region_plan(region: Region, trial_id: str, monitor: Monitor, spec: bytes) -> RegionPlan:
    if not monitor.secrets:
        return RegionPlan(region.slug, region.domain)
    bound = binding(region.slug, trial_id, monitor.kind, spec)
    seals = sealer(bytes(region.public_key or b""))
    if seals is None:
        return RegionPlan(region.slug, region.domain, able=False)
    return RegionPlan(region.slug, region.domain, seals.seal_secrets(monitor.secrets, bound))


def _sent(orders: Mapping[str, wire.Check], trial_id: str, timeout_ms: int) -> list[str]:
    """Send the checks; returns the regions whose queue took theirs. Another region's fault is no reason to stop."""
    # Celery loads slowly, and most processes of the control plane never send a check.
    from probes.queue.sender import QueueUnavailable, RegionQueues

    sent: list[str] = []
    with contextlib.closing(RegionQueues(configuration().redis_url.get_secret_value(), _signer())) as queues:
        for region, check in orders.items():
            batch = wire.Batch(wire.WIRE_VERSION, region, wire.Lane.CONFIRM, [check])
            try:
                queues.send(batch, timeout_ms / 1000 + 5)
            except redis.ResponseError:
                continue
            except QueueUnavailable as error:
                raise TrialsUnavailable(str(error)) from None
            sent.append(region)
    return sent


@lru_cache(maxsize=1)
def _signer() -> Signer:
    return control_signer(lambda: redis_now_ms(regions_of(redis_client())))


def _quarantined(client: redis.Redis) -> Mapping[str, Exclusion]:
    held = cast(dict[bytes, bytes], client.hgetall(keys.QUARANTINED))
    found = read_quarantines(control_macs(), held, redis_now_ms(client)) or []
    return {one.region: one.why for one in found}


@contextlib.contextmanager
def _redis_answers() -> Iterator[redis.Redis]:
    try:
        yield redis_client()
    except redis.RedisError as error:
        log.warning("redis.away", wanted="trial", error=described(error))
        raise TrialsUnavailable(type(error).__name__) from None
