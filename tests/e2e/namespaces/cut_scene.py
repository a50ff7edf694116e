"""Scene: links between workers and their Redis drop every packet for a time, and close nothing.

Each cut has a region, a network and a link of its own, all at the same time. Prints what came of each.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import redis

from probes import keys, wire
from probes.queue.sender import RegionQueues
from probes.wire import Batch, Check, Lane
from tests.e2e.namespaces.link import WORLD4, Network, open_world
from tests.e2e.namespaces.world import redis_for
from tests.signed import control_signer, worker_environment
from tests.streams import Entries
from tests.waiting import until

FOLDER = Path(os.environ.get("SCENE_FOLDER", "."))
#: Checks whose answers come while the link is cut, and how long their target takes (s).
HELD, ANSWER_S = 40, 2.0
#: How long a region is waited for (s): longer than it may take, so that the figure is told.
_PATIENCE_S = 90.0
_TARGET = """
import http.server, sys, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, file=sys.stderr, flush=True)
        time.sleep(float(self.path.strip("/")))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Slow).serve_forever()
"""


@dataclass
class Region:
    """One region: its worker and its target in a network of their own, and Redis as the world sees it."""

    name: str
    network: Network
    client: redis.Redis
    queues: RegionQueues
    worker: Any = None

    def order(self, *monitors: str, answer_s: float = 0.0) -> None:
        now_ms = int(time.time() * 1000)
        spec = msgspec.Raw(msgspec.msgpack.encode({"url": f"http://127.0.0.1:8080/{answer_s}"}))
        checks = [Check(1, each, "http", now_ms, now_ms + 30_000, 10_000, spec) for each in monitors]
        self.queues.send(Batch(1, self.name, Lane.SCHEDULED, checks), 30)

    def results(self) -> list[str]:
        """The monitors of all results, in the order of the stream."""
        found = cast(Entries, self.client.xrange(keys.results(self.name)))
        return [result.monitor for _, fields in found for result in wire.decode_results(fields[keys.BODY])]

    def begun(self) -> int:
        """How many slow checks the target has been asked."""
        return (FOLDER / f"{self.name}-target.log").read_text().count(f"/{ANSWER_S}")


@contextlib.contextmanager
def running(number: int, url: str) -> Iterator[Region]:
    name = f"region-{number}"
    network = Network(number)
    target = network.start([sys.executable, "-c", _TARGET], os.environ, FOLDER / f"{name}-target.log")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ["PYTHONPATH"],
        "VIGIL_EGRESS": "private",
        "VIGIL_REDIS_URL": url.replace("127.0.0.1", network.world4),
        "VIGIL_REDIS_PLAINTEXT": "private-network",
        **worker_environment(name),
    }
    argv = [sys.executable, "-m", "probes", "--region", name]
    region = Region(name, network, redis.Redis.from_url(url), RegionQueues(url, control_signer()))
    region.worker = network.start(argv, environment, FOLDER / f"{name}-worker.log")
    try:
        until(lambda: region.worker.poll() is not None or region.client.exists(keys.status(name)), name, 40)
        yield region
    finally:
        region.worker.kill()
        target.kill()
        region.queues.close()


def suffer(region: Region, cut_s: float) -> dict[str, object]:
    """Cut the region's link while checks are under way, mend it, and see when orders are heard again."""
    region.order("before")
    until(lambda: "before" in region.results(), "a result")
    held = [f"held-{number}" for number in range(HELD)]
    region.order(*held, answer_s=ANSWER_S)
    until(lambda: region.begun() == HELD, "the checks to be under way")
    region.network.cut()
    mended_s = time.monotonic() + cut_s
    during = 0
    while time.monotonic() < mended_s:
        region.order(f"during-{during}")
        during += 1
        time.sleep(min(1.0, max(mended_s - time.monotonic(), 0)))
    region.network.mend()
    mended_s = time.monotonic()
    after = 0
    while not any(monitor.startswith("after") for monitor in region.results()):
        if time.monotonic() - mended_s > _PATIENCE_S:
            break
        region.order(f"after-{after}")
        after += 1
        until_soon(lambda: any(monitor.startswith("after") for monitor in region.results()), 1.0)
    heard_s = time.monotonic() - mended_s
    until_soon(lambda: set(held) <= set(region.results()), 20)
    counted = [monitor for monitor in region.results() if monitor in held]
    return {
        "cut_s": cut_s,
        "heard_again_s": round(heard_s, 1),
        "held": len(set(counted)),
        "twice": len(counted) - len(set(counted)),
        "during": sum(monitor.startswith("during") for monitor in region.results()),
        "ordered_during": during,
        "ended": region.worker.poll(),
    }


def until_soon(condition: Any, within_s: float) -> None:
    """Wait for a condition, and go on without it."""
    with contextlib.suppress(AssertionError):
        until(condition, within_s=within_s)


def main() -> list[dict[str, object]]:
    cuts = [float(each) for each in os.environ["CUTS_S"].split(",")]
    open_world()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(redis_for(FOLDER, [WORLD4.format(number=number) for number in range(len(cuts))]))
        until(server.is_ready, "Redis")
        regions = [stack.enter_context(running(number, server.url)) for number in range(len(cuts))]
        with ThreadPoolExecutor(len(cuts)) as pool:
            return list(pool.map(suffer, regions, cuts))


if __name__ == "__main__":
    print(json.dumps(main()))
