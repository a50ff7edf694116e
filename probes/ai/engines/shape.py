"""Shape of an engine's table entry: the names under which a model server publishes what it does. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: Labels that tell the engines of one server apart, and the ranks of one engine: each steps by itself.
RANK_LABELS = ("engine", "engine_id", "engine_index", "dp_rank", "rank", "worker_id")


@dataclass(frozen=True, slots=True)
class JsonValues:
    """What a page in JSON says: values by name, each with the engine that it is of ("" for the whole server)."""

    values: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Engine:
    """The names under which a server publishes what it does; the first name that is there counts for each meaning.

    All of `steps`, `ends` and `moves` are progress: whichever of them changes, the engine is alive. `steps` are
    counters that move with every step of the engine, `ends` those that move at the end of a request only, `moves` are
    gauges that cannot stay the same while the engine works. A server of which only `ends` are known may be at a long
    answer, so that its standing still is no proof.

    `finished` counts requests that ended, `started` those that left the queue, `preempted` those that lost their place.
    `by` are the labels that tell engines apart, `repeat` those of ranks that repeat one value, and where the label
    `total` is empty the sample is the sum of the others. `fixed` says that the engines of a server do not come and go,
    so that one that is gone is missed. `asked` counts the requests (POST) that the server before the engine has ended,
    whatever the engine does: while it stands too, an engine that stands may have nothing to do, and old gauges.
    `own_requests` are the requests in `running` that are our own. `keeps_gauges` says that a server without any of
    `steps` may publish the gauges of its last step for ever.
    """

    title: str
    running: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    cache: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    preempted: tuple[str, ...] = ()
    capacity: tuple[str, ...] = ()
    slots_used: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    #: A family with the labels running_lora_adapters, waiting_lora_adapters and max_lora; its value is a time.
    adapters: str = ""
    #: A gauge of the states of a gateway's deployments (0 well, 1 failing in part, 2 out), and a counter of cooldowns.
    deployments: str = ""
    cooldowns: tuple[str, ...] = ()
    asked: str = ""
    embedded: bool = False
    by: tuple[str, ...] = RANK_LABELS
    repeat: tuple[str, ...] = ()
    total: str = ""
    fixed: bool = False
    own_requests: int = 0
    keeps_gauges: bool = False
    #: Reads a page in JSON; takes what was decoded, and the time of the server (s). Raises ValueError.
    from_json: Callable[[Any, float], JsonValues] | None = None

    @property
    def families(self) -> tuple[str, ...]:
        """Every family of metrics that is wanted of a page."""
        single = tuple(name for name in (self.adapters, self.deployments, self.asked) if name)
        return (
            self.running + self.waiting + self.cache + self.steps + self.ends + self.moves + self.finished
            + self.started + self.preempted + self.capacity + self.slots_used + self.slots + self.cooldowns + single
        )  # fmt: skip
