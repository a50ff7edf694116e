"""Ping load generator: reports acknowledged calls and their latency.

Run as `python -m vigil.bench.ping.load PLAN`, with a `LoadPlan` as JSON. It ends early on SIGTERM, and prints one JSON
object.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop

from vigil.bench.measure import percentile
from vigil.cli.errors import CommandError

TICK_S = 0.002
RECONNECT_S = 0.05
#: Wait for answers after the last call (s).
TAIL_S = 8.0


@dataclass(frozen=True)
class LoadPlan:
    """How the generator calls, and the `folder` with the files of its codes and of its acknowledged calls."""

    port: int
    folder: Path
    seconds: float
    #: Calls a second; 0: as fast as answers come.
    rate: float = 0
    #: More calls, all at once, in the middle.
    burst: int = 0
    path: str = "/ping/"
    connections: int = 64
    #: A word in the id of every call.
    run: str = "warm"

    @property
    def codes(self) -> Path:
        """The addresses that are called, one a line."""
        return self.folder / "codes"

    @property
    def acked(self) -> Path:
        return self.folder / "acked"


async def call(plan: LoadPlan) -> dict[str, Any]:
    """Run the generator in a process of its own; its acknowledged calls are in `plan.acked` afterwards."""
    argv = [sys.executable, "-m", "vigil.bench.ping.load", msgspec.json.encode(plan, enc_hook=str).decode()]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode:
        raise CommandError("the generator of pings failed: see above")
    return dict(json.loads(told))


@dataclass
class LoadTally:
    """Result of the calls: latencies in seconds, from when a call was due."""

    acked: list[int] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0


class Caller(asyncio.Protocol):
    """One connection with at most one call in flight; reconnects until the end."""

    def __init__(self, run: LoadRun) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._number = 0
        self._due_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._number = 0
        self._run.free(self)

    def call(self, number: int, due_s: float) -> None:
        assert self._transport is not None
        self._number, self._due_s = number, due_s
        self._transport.write(self._run.request(number))

    def data_received(self, data: bytes) -> None:
        if not self._number:
            return
        number, self._number = self._number, 0
        if data.startswith(b"HTTP/1.1 200"):
            self._run.tally.acked.append(number)
            self._run.tally.latencies.append(time.perf_counter() - self._due_s)
        else:
            self._run.tally.refused += 1
        self._run.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._run.lose(self, self._number)
        self._number = 0


class LoadRun:
    """One run of a plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._codes = plan.codes.read_text().split()
        self._prefix = f"GET {plan.path}"
        self._free: deque[Caller] = deque()
        self._backlog: deque[tuple[int, float]] = deque()
        self._count = 0
        self._ending = False
        self._closed_loop = not plan.rate
        self.tally = LoadTally()

    def request(self, number: int) -> bytes:
        code = self._codes[number % len(self._codes)]
        return f"{self._prefix}{code}?rid={self._plan.run}-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    def free(self, caller: Caller) -> None:
        if self._backlog:
            caller.call(*self._backlog.popleft())
        elif self._closed_loop and not self._ending:
            caller.call(self._next(), time.perf_counter())
        else:
            self._free.append(caller)

    def lose(self, caller: Caller, number: int) -> None:
        self.tally.broken += bool(number)
        if caller in self._free:
            self._free.remove(caller)
        if not self._ending:
            asyncio.get_running_loop().call_later(RECONNECT_S, lambda: asyncio.ensure_future(self._connect(caller)))

    async def work(self) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, told.set)
        await asyncio.gather(*(self._connect(Caller(self)) for _ in range(self._plan.connections)))
        begun_s = time.perf_counter()
        await self._drive(begun_s, told)
        self._ending = True
        lasted_s = time.perf_counter() - begun_s
        acked_in_time = len(self.tally.acked)
        end_s = time.perf_counter() + TAIL_S
        while time.perf_counter() < end_s and (self._backlog or self._under_way()):
            await asyncio.sleep(TICK_S)
        self._plan.acked.write_text("\n".join(f"{self._plan.run}-{number}" for number in self.tally.acked))
        return {
            "called": self._count,
            "acknowledged": len(self.tally.acked),
            "refused": self.tally.refused,
            "broken": self.tally.broken,
            "never_sent": len(self._backlog),
            "per_s": round(acked_in_time / lasted_s, 1),
            "p50_ms": _ms(self.tally.latencies, 0.5),
            "p99_ms": _ms(self.tally.latencies, 0.99),
            "max_ms": _ms(self.tally.latencies, 1.0),
        }

    async def _drive(self, begun_s: float, told: asyncio.Event) -> None:
        rate, burst, seconds = self._plan.rate, self._plan.burst, self._plan.seconds
        sent = 0
        while (now_s := time.perf_counter()) < begun_s + seconds and not told.is_set():
            due = math.floor((now_s - begun_s) * rate)
            if burst and now_s >= begun_s + seconds / 2:
                for _ in range(burst):
                    self._send(now_s)
                burst = 0
            while sent < due:
                sent += 1
                self._send(begun_s + sent / rate)
            await asyncio.sleep(TICK_S)

    def _send(self, due_s: float) -> None:
        if self._free:
            self._free.popleft().call(self._next(), due_s)
        else:
            self._backlog.append((self._next(), due_s))

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _under_way(self) -> bool:
        done = len(self.tally.acked) + self.tally.refused + self.tally.broken + len(self._backlog)
        return self._count > done

    async def _connect(self, caller: Caller) -> None:
        loop = asyncio.get_running_loop()
        while not self._ending:
            try:
                await loop.create_connection(lambda: caller, "127.0.0.1", self._plan.port)
                return
            except OSError:
                await asyncio.sleep(RECONNECT_S)


def _ms(latencies: list[float], part: float) -> float | None:
    found = percentile(latencies, part)
    return None if found is None else round(found * 1000, 2)


def decode_plan(plan: str) -> LoadPlan:
    return msgspec.json.decode(plan, type=LoadPlan, dec_hook=lambda kind, text: kind(text))


def main(plan: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(LoadRun(decode_plan(plan)).work())), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
