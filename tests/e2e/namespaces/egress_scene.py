"""Scene: a whole worker with VIGIL_EGRESS=public is ordered to look at every address of the corpus, in every way.

The orders are signed by the control plane and were validated by none of it. Prints what each order came to, and how
many packets went where.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import redis

from probes import keys, wire
from probes.queue.sender import RegionQueues
from probes.wire import Batch, Check, Lane
from tests.e2e.namespaces.link import Network, open_world
from tests.e2e.namespaces.world import name_server_is, names_and_pages, redis_for
from tests.probes.net.test_egress import KINDS, at
from tests.probes.net.test_guard import corpus
from tests.signed import control_signer, worker_environment
from tests.streams import Entries
from tests.waiting import until

REGION = "eu-west"
FOLDER = Path(os.environ.get("SCENE_FOLDER", "."))
_AT_ONCE, _WITHIN_S = 200, 60.0
_PUBLIC_HOST = "1.1.1.1"
ADDRESSES = [address for address, _, _ in corpus()]
#: Name -> the addresses that it has, first and then; `t` names have a public address at the first look-up alone.
NAMES: Mapping[str, tuple[list[str], list[str]]] = {
    f"{letter}{number}.example": (first, then)
    for number, address in enumerate(ADDRESSES)
    if "%" not in address
    for letter, first, then in (
        ("n", [address], [address]),
        ("m", ["8.8.8.8", address], ["8.8.8.8", address]),
        ("t", ["8.8.8.8"], [address]),
    )
}


def literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def orders() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each order: its monitor, which tells the way and the address, its kind and its config."""
    for number, address in enumerate(ADDRESSES):
        for kind, config in KINDS.items():
            host = literal(address) if "url" in config or kind == "domain" else address
            yield f"{kind}-{number}", kind, at(host, config)
        for letter in "nmt":
            if f"{letter}{number}.example" in NAMES:
                yield f"{letter}-{number}", "http", {"url": f"http://{letter}{number}.example/"}
        yield f"r-{number}", "http", {"url": f"http://{_PUBLIC_HOST}/to/{number}"}


def batches() -> Iterator[Batch]:
    held: list[Check] = []
    for monitor, kind, config in orders():
        now_ms = int(time.time() * 1000)
        spec = msgspec.Raw(msgspec.msgpack.encode(config))
        held.append(Check(1, monitor, kind, now_ms, now_ms + 30_000, 5_000, spec))
        if len(held) == _AT_ONCE:
            yield Batch(1, REGION, Lane.SCHEDULED, held)
            held = []
    yield Batch(1, REGION, Lane.SCHEDULED, held)


class Outcomes:
    """Monitor -> reason and detail of its result, as far as the worker has written them."""

    def __init__(self, client: redis.Redis) -> None:
        self._client, self._last = client, b"-"
        self.found: dict[str, tuple[str, str]] = {}

    def are(self, count: int) -> bool:
        """Read on; whether there are so many."""
        for entry_id, fields in cast(Entries, self._client.xrange(keys.results(REGION), min=self._last)):
            self._last = b"(" + entry_id
            for result in wire.decode_results(fields[keys.BODY]):
                self.found[result.monitor] = (result.reason.value, result.detail)
        return len(self.found) >= count


def work(network: Network, url: str) -> dict[str, object]:
    """Run the worker, give it its orders a batch after the other, and count."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ["PYTHONPATH"],
        "VIGIL_EGRESS": "public",
        "VIGIL_REDIS_URL": url.replace("127.0.0.1", network.world4),
        "VIGIL_REDIS_PLAINTEXT": "private-network",
        **worker_environment(REGION),
    }
    worker = network.start([sys.executable, "-m", "probes", "--region", REGION], environment, FOLDER / "worker.log")
    queues = RegionQueues(url, control_signer())
    with redis.Redis.from_url(url) as client:
        until(lambda: worker.poll() is not None or client.exists(keys.status(REGION)), "the worker", 30)
        outcomes, ordered = Outcomes(client), 0
        for batch in batches():
            queues.send(batch, 30)
            ordered += len(batch.checks)
            until(partial(outcomes.are, ordered - _AT_ONCE), "results", _WITHIN_S)
        until(partial(outcomes.are, ordered), "the last results", _WITHIN_S)
    queues.close()
    packets = network.packets()
    alive = worker.poll() is None
    worker.terminate()
    return {"results": outcomes.found, "packets": packets, "alive": alive, "ended": worker.wait(20)}


async def main() -> dict[str, object]:
    open_world()
    network = Network()
    name_server_is(network.world4, FOLDER)
    redirects = {f"/to/{number}": f"http://{literal(address)}/" for number, address in enumerate(ADDRESSES)}

    def answers(name: str, before: int) -> list[str] | None:
        first, then = NAMES.get(name, (None, None))
        return then if before else first

    with redis_for(FOLDER, [network.world4]) as server:
        until(server.is_ready, "Redis")
        async with names_and_pages(network.world4, answers, redirects):
            return await asyncio.to_thread(work, network, server.url)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
