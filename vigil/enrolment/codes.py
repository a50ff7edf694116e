"""Codes of regions: issued for an hour, taken once, and what was refused of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from django.db import transaction

from vigil.accounts import public_ids
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.enrolment.core import codes
from vigil.enrolment.core.codes import Attempt
from vigil.enrolment.core.commands import EnrolmentPlace, commands
from vigil.enrolment.models import EnrolmentCode, RedisAccess, RegionShadow
from vigil.enrolment.redis_access import (
    OVERLAP,
    FailedServers,
    Management,
    acl_line,
    keep_user,
    passwords_of,
    set_user,
)
from vigil.monitors.live.workers import publish_changed_keys, set_keys
from vigil.monitors.models import Region

log = structlog.get_logger()

_PASSWORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class IssuedLine:
    """Commands by form, each with the code; `redis_line` is what the operator of Redis must run first, or empty."""

    region: str
    commands: dict[str, str] = field(repr=False)
    expires_at: datetime
    redis_line: str


@dataclass(frozen=True, slots=True)
class WorkerKeys:
    """Public halves of a worker's keys, 32 bytes each."""

    sealing: bytes
    signing: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an attempt; with `region` where the worker is enrolled. `managed` tells of its user at the primary
    of Redis: a replica that fails just now gets it from dispatch, and keeps no worker waiting."""

    attempt: Attempt
    region: Region | None = None
    password: str = field(default="", repr=False)
    revision: int = 0
    managed: Management = Management.MANAGED


@transaction.atomic
def issue(region: Region) -> IssuedLine:
    """Save a new region, and make a code that enrols its worker; earlier codes that were not used are over."""
    if region._state.adding:
        region.save()
    else:
        # Locked and not written: what is in hand may be older than an enrolment, or than a revocation.
        region = Region.objects.select_for_update(of=("self",)).get(pk=region.pk)
    now = database_now()
    EnrolmentCode.objects.filter(region=region, used_at=None).update(expires_at=now)
    EnrolmentCode.objects.filter(region=region, expires_at__lt=now - 30 * codes.CODE_LIFE).delete()
    plain = codes.written(_random(codes.PREFIX_LENGTH), _random(codes.SECRET_LENGTH))
    made = EnrolmentCode.objects.create(
        region=region,
        prefix=codes.prefix_of(plain),
        sha256=codes.digest(plain),
        redis_password=secrets.token_urlsafe(_PASSWORD_BYTES),
        created_at=now,
        expires_at=now + codes.CODE_LIFE,
    )
    place = EnrolmentPlace(region.slug, region.egress, configuration().base_url)
    return IssuedLine(region.slug, commands(place, plain), made.expires_at, _by_hand(made, now))


def take(plain: str, keys: WorkerKeys, address: str) -> Taken:
    """Enrol the worker that holds a code with these keys; the same again answers the same."""
    with transaction.atomic():
        taken = _take(plain, keys, address)
    if taken.region is None:
        return taken
    access = RedisAccess.objects.filter(region=taken.region).select_related("region").first()
    if access is None:
        # Revoked a moment ago.
        return Taken(Attempt.EXPIRED)
    failed = FailedServers()
    keep_user(access, database_now(), failed)
    publish_changed_keys()
    return replace(taken, managed=failed.primary)


def _take(plain: str, keys: WorkerKeys, address: str) -> Taken:
    # The region is locked too: two codes of it must not be taken at once.
    rows = EnrolmentCode.objects.select_for_update().select_related("region")
    code, now = rows.filter(prefix=codes.prefix_of(plain)).first(), database_now()
    attempt = codes.judge(_stored(code), plain, (keys.sealing, keys.signing), now)
    if code is None:
        return Taken(attempt)
    if attempt is Attempt.UNKNOWN:
        code.failures = min(code.failures + 1, codes.FAILURES_MOST)
        code.save(update_fields=["failures"])
    elif attempt is Attempt.USED:
        # Told on the region's page and by `doctor`: one of the two workers is not the operator's.
        code.refused_at, code.refused_from = now, address or None
        code.save(update_fields=["refused_at", "refused_from"])
    if attempt in (Attempt.UNKNOWN, Attempt.USED):
        log.warning("enrolment.refused", region=code.region.slug, why=attempt, address=address)
    if attempt is Attempt.ENROLLED:
        _enrol(code, keys, address, now)
    if attempt not in (Attempt.ENROLLED, Attempt.REPEATED):
        return Taken(attempt)
    access = RedisAccess.objects.get(region=code.region)
    log.info("enrolment.taken", region=code.region.slug, how=attempt, address=address, revision=access.revision)
    return Taken(attempt, code.region, code.redis_password, access.revision)


def _enrol(code: EnrolmentCode, keys: WorkerKeys, address: str, now: datetime) -> None:
    code.used_at, code.used_from = now, address or None
    code.sealing_key, code.signing_key = keys.sealing, keys.signing
    code.save(update_fields=["used_at", "used_from", "sealing_key", "signing_key"])
    region = code.region
    set_keys(region, keys.sealing, keys.signing)
    region.save(update_fields=["public_key", "signing_key", "former_signing_key", "signing_key_since"])
    access = RedisAccess.objects.filter(region=region).first()
    if access is None:
        RedisAccess.objects.create(region=region, password=code.redis_password)
        # The first regions of an installation have none to agree with.
        others = Region.objects.exclude(pk=region.pk).filter(enabled=True, worker_since__isnull=False)
        if region.worker_since is None and others.exclude(shadow__voting_since=None, shadow__isnull=False):
            RegionShadow.objects.get_or_create(region=region)
        return
    access.previous, access.previous_until = access.password, now + OVERLAP
    access.password, access.revision = code.redis_password, access.revision + 1
    access.save()
    # What the last worker saw says nothing of this one.
    RegionShadow.objects.filter(region=region, voting_since=None).update(agreed=0)


def _stored(code: EnrolmentCode | None) -> codes.StoredCode | None:
    if code is None:
        return None
    keys = (bytes(code.sealing_key or b""), bytes(code.signing_key or b"")) if code.used_at else None
    return codes.StoredCode(code.sha256, code.expires_at, code.failures, keys)


def _by_hand(made: EnrolmentCode, now: datetime) -> str:
    """The line for the operator of a Redis whose users we may not manage; empty where we may."""
    access = RedisAccess.objects.filter(region=made.region).first()
    passwords = [made.redis_password, *(passwords_of(access, now) if access else [])]
    # The user is there before its worker is: a Redis that refuses says so now, and not to the worker.
    managed = set_user(made.region.slug, passwords)
    return acl_line(made.region.slug, passwords) if managed is Management.BY_HAND else ""


def _random(length: int) -> str:
    return "".join(secrets.choice(public_ids.ALPHABET) for _ in range(length))
