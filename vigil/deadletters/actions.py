"""Dead letter actions: replay after a fix, or discard."""

from __future__ import annotations

from typing import Any, cast

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from probes import keys
from probes.process.connections.clients import open_both
from probes.process.redis_streams import redis_now_ms
from vigil.configuration import configuration
from vigil.control_keys import control_macs
from vigil.deadletters.models import DeadLetter, LetterState


class NotReplayable(Exception):
    """The letter cannot be replayed, in words for people."""


def waiting() -> QuerySet[DeadLetter]:
    """The letters that wait for a person, newest first."""
    return DeadLetter.objects.filter(state=LetterState.WAITING)


def replay(letter: DeadLetter) -> str:
    """Give an entry back to its stream, once, or close a letter whose bytes are of no use; says which, in words.

    Raises `NotReplayable`, and `redis.RedisError` when Redis is away: then the letter waits still.
    """
    with transaction.atomic():
        held = DeadLetter.objects.select_for_update().filter(pk=letter.pk, state=LetterState.WAITING).first()
        if held is None:
            raise NotReplayable("it does not wait any more")
        if held.stream:
            if not held.is_replayable:
                raise NotReplayable(held.on_replay.removeprefix("refused: "))
            _add_again(held)
        _end(held, LetterState.REPLAYED)
        return held.on_replay


def discard(letters: QuerySet[DeadLetter]) -> int:
    """Close letters without a replay; returns how many waited."""
    return letters.filter(state=LetterState.WAITING).update(state=LetterState.DISCARDED, ended_at=Now())


def _end(letter: DeadLetter, state: LetterState) -> None:
    letter.state, letter.ended_at = state, Now()
    letter.save(update_fields=["state", "ended_at"])


def _add_again(letter: DeadLetter) -> None:
    settings = configuration()
    own = (settings.redis_url.get_secret_value(), settings.control_url)
    urls = (settings.ping_log_url, "") if letter.stream == keys.PINGS else own
    with open_both(*urls, socket_timeout=5, socket_connect_timeout=5) as client:
        body = bytes(letter.payload)
        mac = control_macs().mac(letter.stream, body, redis_now_ms(client))
        client.xadd(letter.stream, cast(Any, {keys.BODY: body, keys.ENVELOPE: mac}))
