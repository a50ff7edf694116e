"""Ends of a region: revoked at once, or deleted with what it wrote."""

from __future__ import annotations

from django.db import transaction

from probes import keys
from vigil.clock import database_now
from vigil.enrolment.models import EnrolmentCode, RedisAccess, RegionShadow
from vigil.enrolment.redis_access import FailedServers, Management, end_user, keep_user, management
from vigil.monitors.live.workers import forget, publish_changed_keys
from vigil.monitors.models import Monitor, Region

_KEYS = ("public_key", "signing_key", "former_signing_key")
BY_HAND_ADVICE = (
    "Run the line that `region add` prints, and `ACL DELUSER worker-NAME` for a region that is revoked; or set "
    "VIGIL_USERS_REDIS_URL to a user that may run ACL SETUSER. A Redis without users is for workers that are all yours."
)


def revoke(region: Region) -> Management:
    """Disable a region, forget its keys and codes, and close its connections: it is sent nothing more.

    A worker that is enrolled there later is a new one, and is in shadow first. Where Redis' users are managed by hand
    its operator has to delete the user; the answer says so.
    """
    with transaction.atomic():
        region.enabled, region.public_key = False, None
        region.signing_key = region.former_signing_key = None
        region.worker_boot, region.worker_since = "", None
        region.save(update_fields=[*_KEYS, "enabled", "worker_boot", "worker_since"])
        RegionShadow.objects.filter(region=region).delete()
        # Also one that was used: with it, its worker would be given a password again.
        now = database_now()
        EnrolmentCode.objects.filter(region=region, expires_at__gt=now).update(expires_at=now)
        RedisAccess.objects.filter(region=region).delete()
    ended = end_user(region.slug)
    publish_changed_keys()
    return ended


def end_revoked() -> None:
    """End the Redis users of revoked regions again: it may have failed, or Redis have read an older ACL file."""
    failed, had_keys = FailedServers(), Region.objects.filter(enabled=False, signing_key_since__isnull=False)
    for region in had_keys.filter(public_key=None, signing_key=None, redis_access=None):
        end_user(region.slug, failed)
        if failed.primary is not Management.MANAGED:
            # The same holds for the others.
            break
        enrolled = RedisAccess.objects.filter(region=region).select_related("region").first()
        if enrolled is not None:
            # A moment ago, with a user that has just been ended.
            keep_user(enrolled, database_now(), failed)


def remaining_user(slug: str, ended: Management) -> str:
    """What its operator has still to do about a revoked region's Redis user; empty where it is gone."""
    if ended is Management.MANAGED:
        return ""
    user = keys.user(slug)
    why = "Redis is away" if ended is Management.AWAY else "the users of this Redis are managed by hand"
    return f"Its Redis user is still there, since {why}: run `ACL DELUSER {user}` and `CLIENT KILL USER {user}` there."


def left_to_do(region: Region, ended: Management) -> str:
    """What is still to do about a region that was revoked: its Redis user, and the secrets that its host could read."""
    count = Monitor.objects.filter(regions=region, deleted_at=None).exclude(secrets={}).count()
    monitors = "a monitor" if count == 1 else f"{count} monitors"
    read = f"If its keys were stolen, change the secrets of {monitors}: it was sent them." if count else ""
    return " ".join(filter(None, (remaining_user(region.slug, ended), read)))


def by_hand_in_words() -> str:
    """What follows where enrolled regions have users that Redis' own operator has to manage; empty where Vigil does."""
    if not RedisAccess.objects.exists() or management() is not Management.BY_HAND:
        return ""
    return (
        "The users of this Redis are managed by hand: Vigil cannot cut off a region that is revoked, or that is above "
        "its bound."
    )


def forget_region(slug: str) -> None:
    """Delete the Redis user and the keys of a region that is gone."""
    end_user(slug)
    forget(slug)
    publish_changed_keys()
