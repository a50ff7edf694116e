"""Repair of Redis keys of the wrong type, and of streams numbered from the future: no region must stop readers.

A region may write anything to its own keys. A reader that meets a wrong type deletes all such keys and goes on: their
content was useless, and the right content comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process import redis_client
from probes.process.connections.split import control_of, regions_of
from probes.process.redis_client import ReplyTooLarge
from probes.process.redis_streams import redis_now_ms

log = structlog.get_logger(__name__)

_KINDS = {
    keys.results(""): b"stream",
    keys.latest(""): b"hash",
    keys.alive(""): b"hash",
    keys.status(""): b"string",
    keys.stored(""): b"string",
}
_CELERY = keys.celery_prefix("")[:-1]
_STANDING = keys.standing("").removeprefix(_CELERY).encode()
_MODELS = keys.model_lists("").removeprefix(_CELERY).encode()
#: Redis gives ids by its own clock, and larger ones only after one that a client chose: what is this far ahead was.
IDS_AHEAD_MS = 60_000
_CONTROL_STREAMS = (keys.CALLS, keys.ROUNDS, keys.VERDICTS, keys.BELIEF_CHANGES)


def refusal(error: BaseException) -> str:
    """`redis_client.refusal`, with words also for a key of another kind, which `put_right` mends."""
    words = redis_client.refusal(error)
    if not words and isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error):
        return "a key of Redis is of another kind (WRONGTYPE)"
    return words


def put_right(client: redis.Redis, error: redis.RedisError) -> bool:
    """Delete keys of the wrong type, and streams that have no id left; False when the error is about something else,
    or none was found."""
    if "last possible ID" in str(error):
        return bool(delete_future_streams(client, [name.encode() for name in _CONTROL_STREAMS]))
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
            "redis.key_overwritten",
            key=name.decode("utf-8", "replace")[:100],
            advice="the region's Redis user wrote it",
        )
        client.delete(name)
    return bool(wrong)


def delete_future_streams(client: redis.Redis, names: Sequence[bytes]) -> list[bytes]:
    """Delete those of these streams whose last id is of the far future on their server's clock; returns their names.

    Redis gives each new entry a larger id than the last, so no entry of such a stream would ever be of now again, and
    after the largest one there is none.
    """
    of_regions = [name for name in names if keys.is_of_regions(name)]
    own = [name for name in names if not keys.is_of_regions(name)]
    ahead = [*_ahead(control_of(client), own), *_ahead(regions_of(client), of_regions)]
    for name in ahead:
        log.error(
            "redis.key_overwritten", key=name.decode("utf-8", "replace")[:100], advice="its ids are of the far future"
        )
        client.delete(name)
    return ahead


def _ahead(client: redis.Redis, names: Sequence[bytes]) -> list[bytes]:
    """Those of the far future of these streams, which are all on this server."""
    if not names:
        return []
    now_ms, found = redis_now_ms(client), _abouts(client, names)
    return [name for name, about in zip(names, found, strict=True) if _is_ahead(about, now_ms)]


def _abouts(client: redis.Redis, names: Sequence[bytes]) -> list[Any]:
    """What Redis says of each stream, which includes its first and last entries; the error where it says none."""
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.xinfo_stream(name)
    try:
        return pipe.execute(raise_on_error=False)
    except (ReplyTooLarge, redis.ConnectionError) as too_large:
        # Redis closes a client whose answer is too large for it; this raises where it is away.
        client.ping()
        # The reader of that stream deals with it.
        return [too_large] if len(names) == 1 else [about for name in names for about in _abouts(client, [name])]


def _is_ahead(about: object, now_ms: int) -> bool:
    return isinstance(about, dict) and keys.entry_id(about["last-generated-id"])[0] > now_ms + IDS_AHEAD_MS


def _is_wrong(name: bytes, kind: object) -> bool:
    if not isinstance(kind, bytes) or kind == b"none":
        return False
    if name.startswith(_CELERY.encode()):
        if name.endswith(_STANDING):
            return kind != b"string"
        if name.endswith(_MODELS):
            return kind != b"stream"
        expected = b"set" if b"_kombu.binding" in name else b"list" if b":probes." in name else kind
        return kind != expected
    return any(name.startswith(prefix.encode()) and kind != expected for prefix, expected in _KINDS.items())
