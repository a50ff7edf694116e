"""Repair of Redis keys of the wrong type (WRONGTYPE): a compromised region must not stop readers.

A region may write anything to its own keys. A reader that meets a wrong type deletes all such keys and goes on: their
content was useless, and the right content comes again.
"""

from __future__ import annotations

from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process import redis_client

log = structlog.get_logger(__name__)

_KINDS = {
    keys.results(""): b"stream",
    keys.latest(""): b"hash",
    keys.alive(""): b"hash",
    keys.status(""): b"string",
    keys.stored(""): b"string",
}
_CELERY = keys.celery_prefix("")[:-1]


def refusal(error: BaseException) -> str:
    """`redis_client.refusal`, with words also for a key of another kind, which `put_right` mends."""
    words = redis_client.refusal(error)
    if not words and isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error):
        return "a key of Redis is of another kind (WRONGTYPE)"
    return words


def put_right(client: redis.Redis, error: redis.RedisError) -> bool:
    """Delete keys of the wrong type; False when the error is about something else, or none was found."""
    if "WRONGTYPE" not in str(error):
        return False
    names = [name for prefix in (*_KINDS, _CELERY) for name in client.scan_iter(f"{prefix}*", 1000)]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.type(name)
    # A user who may not see a key cannot have met it.
    found: list[Any] = pipe.execute(raise_on_error=False)
    wrong = [name for name, kind in zip(names, found, strict=True) if _is_wrong(cast(bytes, name), kind)]
    for name in wrong:
        log.error(
            "redis.key_overwritten", key=name.decode("utf-8", "replace")[:100], advice="who has this region's password?"
        )
        client.delete(name)
    return bool(wrong)


def _is_wrong(name: bytes, kind: object) -> bool:
    if not isinstance(kind, bytes) or kind == b"none":
        return False
    if name.startswith(_CELERY.encode()):
        expected = b"set" if b"_kombu.binding." in name else b"list" if b":probes." in name else kind
        return kind != expected
    return any(name.startswith(prefix.encode()) and kind != expected for prefix, expected in _KINDS.items())
