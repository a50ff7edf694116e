"""Split Redis: one client of two servers, that of the control plane and the one that regions reach.

The name of a key decides where it is (`keys.is_of_regions`), and no caller can choose: a command goes to the server of
its keys, and one with keys of both is refused. A command without a key goes to the control plane's, and in a pipeline
to where the rest of it goes: so is the time asked for beside a region's key that of the server which holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from redis.commands import CoreCommands

from probes import keys

_MANY = frozenset({"DEL", "UNLINK", "EXISTS", "MGET"})
_SCRIPTS = frozenset({"EVAL", "EVALSHA"})


class KeysOfTwoServers(TypeError):
    """A command, or a transaction, names keys of both servers: a fault of the caller."""


class SplitRedis(redis.Redis):
    """Two clients in the place of one; what is asked raises what they raise."""

    def __init__(self, control: redis.Redis, regions: redis.Redis) -> None:
        # Not the initialiser of `redis.Redis`: this one has no connections.
        self.control, self.regions = control, regions
        #: Scripts ask it how text is written.
        self.connection_pool = control.connection_pool

    def __repr__(self) -> str:
        return f"SplitRedis({self.control!r}, {self.regions!r})"

    def execute_command(self, *words: Any, **options: Any) -> Any:
        client = self.regions if goes_to_regions(words) else self.control
        return client.execute_command(*words, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        return SplitPipeline(self, transaction)

    def ping(self, **options: Any) -> Any:
        """Ask both."""
        return self.control.ping(**options) and self.regions.ping(**options)

    def close(self) -> None:
        self.control.close()
        self.regions.close()


class SplitPipeline(CoreCommands):
    """Commands that wait until `execute`, which sends each server its own."""

    _event_dispatcher: Any = None

    def __init__(self, client: SplitRedis, transaction: bool) -> None:
        self._client = client
        self._transaction = transaction
        self._waiting: list[tuple[bool | None, tuple[Any, ...], dict[str, Any]]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def execute_command(self, *words: Any, **options: Any) -> SplitPipeline:
        self._waiting.append((goes_to_regions(words), words, options))
        return self

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """The answers in the order of the commands."""
        waiting, self._waiting = self._waiting, []
        named = [where for where, _, _ in waiting if where is not None]
        default = named[0] if named else False
        if self._transaction and len(set(named)) > 1:
            raise KeysOfTwoServers("a transaction of keys of two servers")
        answers: list[Any] = [None] * len(waiting)
        for of_regions, client in ((False, self._client.control), (True, self._client.regions)):
            places = [place for place, one in enumerate(waiting) if _or(one[0], default) == of_regions]
            if not places:
                continue
            pipe = client.pipeline(transaction=self._transaction)
            for place in places:
                pipe.execute_command(*waiting[place][1], **waiting[place][2])  # type: ignore[no-untyped-call]
            for place, answer in zip(places, pipe.execute(raise_on_error=raise_on_error), strict=True):
                answers[place] = answer
        return answers


def goes_to_regions(words: Sequence[Any]) -> bool | None:
    """Whether a command's keys are on the server that regions reach; None where it has no key.

    Raises `KeysOfTwoServers`.
    """
    sides = {keys.is_of_regions(key) for key in _keys_of(words)}
    if len(sides) > 1:
        raise KeysOfTwoServers(f"{words[0]} names keys of two servers")
    return sides.pop() if sides else None


def regions_of(client: redis.Redis) -> redis.Redis:
    """The client of the server that regions reach: the same where there is one only."""
    return client.regions if isinstance(client, SplitRedis) else client


def control_of(client: redis.Redis) -> redis.Redis:
    """The client of the control plane's own server: the same where there is one only."""
    return client.control if isinstance(client, SplitRedis) else client


def _or(where: bool | None, default: bool) -> bool:
    return default if where is None else where


def _keys_of(words: Sequence[Any]) -> list[str | bytes]:
    command = str(words[0]).upper()
    named = words[1:2]
    if command in _MANY:
        named = words[1:]
    elif command in _SCRIPTS:
        named = words[3 : 3 + int(words[2])]
    elif command in {"XREAD", "SCAN"}:
        named = words[1:]
    return [word for word in named if isinstance(word, str | bytes) and keys.is_key(word)]
