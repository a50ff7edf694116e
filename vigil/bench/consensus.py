"""Consensus benchmark: results folded a second on one core, and memory of a series.

  manage.py bench consensus --json
  manage.py bench consensus --monitors 20000 --regions 5 --turns 20

A real `python -m consensus` reads from a real Redis of its own. First every region reports every monitor often enough
that a baseline stands for each; what memory grew by then is what a (monitor, region) costs, baselines included. Then
further turns are made and signed, the process is stopped for as long as they are laid in the streams, and it is timed
from its continuation until it has called for the last result. One result in a thousand is a failure.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import redis
from cryptography.fernet import Fernet

from consensus.baselines import ENOUGH
from consensus.verdicts import decode_call
from probes import keys, wire
from probes.reasons import Reason, Status
from probes.signing.control_macs import ControlMacs
from probes.signing.private_keys import stream_key
from probes.signing.region_keyring import RESULTS_LIFE_S
from probes.signing.signatures import Signer
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.bench.measure import cpu_ns, rss_mb
from vigil.bench.region_keys import simulated_list, simulated_signer
from vigil.bench.report import print_report, until
from vigil.cli.errors import CommandError
from vigil.local.servers.redis import running

BUDGETS = {"results_per_s": 100_000, "bytes_per_series": 600}
#: Results of one entry: a busy worker writes them so.
_BATCH = 500
_FAILS_ONE_IN = 1_000
_READY_S, _READ_S = 30.0, 240.0
#: Calls behind the one that is waited for, beside those on failures of all that is read at once.
_NEWEST = 100
_SEAL_KEY = Fernet.generate_key().decode()
#: A worker signs all its entries as one sender.
_SIGNERS: dict[str, Signer] = {}
_MACS = ControlMacs([stream_key(_SEAL_KEY)])

Report = dict[str, float]
#: Entries of a turn by region.
Turn = dict[str, list[Any]]


@dataclass(frozen=True)
class ConsensusLoad:
    """Load: each of `regions` checks each of `monitors` in every turn."""

    monitors: int
    regions: int
    turns: int

    @property
    def series(self) -> int:
        return self.monitors * self.regions

    def region_names(self) -> list[str]:
        return [f"region-{number}" for number in range(self.regions)]


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=20_000, help="monitors (default 20000)")
    parser.add_argument("--regions", type=int, default=5, help="regions that look at each (default 5)")
    parser.add_argument(
        "--turns", type=int, default=10, help="timed looks at each monitor from each region (default 10)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not (1 <= args.monitors <= 200_000 and 1 <= args.regions <= 20 and 1 <= args.turns <= 100):
        raise CommandError("--monitors is 1 to 200000, --regions 1 to 20, --turns 1 to 100")
    load = ConsensusLoad(args.monitors, args.regions, args.turns)
    with tempfile.TemporaryDirectory(prefix="vigil-bench-", ignore_cleanup_errors=True) as folder:
        report = measure(Path(folder), load)
    print_report(report, args.json, BUDGETS)
    return 0


def measure(folder: Path, load: ConsensusLoad) -> Report:
    """Run everything in a temporary folder."""
    folder.chmod(0o711)
    with running(folder, secrets.token_urlsafe(24), folder / "redis.log") as server:
        client = redis.Redis.from_url(server.url)
        _introduce(client, load)
        environment = {
            **os.environ,
            "VIGIL_REDIS_URL": server.url,
            "VIGIL_HEALTH_PORT": "0",
            "VIGIL_SEAL_KEYS": _SEAL_KEY,
        }
        log = (folder / "consensus.log").open("wb")
        process = subprocess.Popen([sys.executable, "-m", "consensus"], env=environment, stderr=log)
        try:
            return _watch(client, process.pid, load)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(10)
            log.close()
            client.close()


def _watch(client: redis.Redis, pid: int, load: ConsensusLoad) -> Report:
    _await_last(client, load, _READY_S)
    empty_mb = rss_mb(pid)
    for _ in range(ENOUGH + 1):
        _lay(client, _turn(client, load))
        # One turn at a time, so that memory has no backlog.
        _await_last(client, load, _READ_S)
    bytes_per_series = (rss_mb(pid) - empty_mb) * 2**20 / load.series
    # Signed before the stop: a process that is stopped for longer than its lease lasts has to take it anew.
    turns = [_turn(client, load) for _ in range(load.turns)]
    os.kill(pid, signal.SIGSTOP)
    for entries in turns:
        _lay(client, entries)
    begun_s, cpu_before = time.monotonic(), cpu_ns(pid)
    os.kill(pid, signal.SIGCONT)
    _await_last(client, load, _READ_S)
    took_s, cpu_s = time.monotonic() - begun_s, (cpu_ns(pid) - cpu_before) / 1e9
    results = load.series * load.turns
    return {
        "results_per_s": round(results / took_s),
        "results_per_cpu_s": round(results / cpu_s),
        "bytes_per_series": round(bytes_per_series, 1),
        "results": results,
        "series": load.series,
        "rss_mb": round(rss_mb(pid), 1),
    }


def _introduce(client: redis.Redis, load: ConsensusLoad) -> None:
    client.hset(keys.BELIEVED, keys.BELIEVED_MARK.decode(), "1")
    client.set(keys.REGION_KEYS, simulated_list(_MACS, load.region_names(), _now_ms(client)))


def _entry(region: str, results: list[Result]) -> Any:
    """The fields of an entry as the region's worker writes them."""
    payload, name = wire.encode(results), keys.results(region)
    if region not in _SIGNERS:
        _SIGNERS[region] = simulated_signer(region, lambda: time.time_ns() // 1_000_000)
    signer = _SIGNERS[region]
    return {keys.BODY: payload, keys.ENVELOPE: signer.sign(name, payload, RESULTS_LIFE_S)}


def _turn(client: redis.Redis, load: ConsensusLoad) -> Turn:
    """Entries in which every region reports every monitor once, as its worker writes them."""
    dice = random.Random(load.monitors)
    now_ms = _now_ms(client)
    return {
        region: [
            _entry(region, list(_results(range(start, min(start + _BATCH, load.monitors)), now_ms, dice)))
            for start in range(0, load.monitors, _BATCH)
        ]
        for region in load.region_names()
    }


def _lay(client: redis.Redis, turn: Turn) -> None:
    """Write the entries of a turn to the regions' streams."""
    for region, entries in turn.items():
        pipe = client.pipeline(transaction=False)
        for entry in entries:
            pipe.xadd(keys.results(region), entry)
        pipe.execute()


def _results(monitors: range, now_ms: int, dice: random.Random) -> Iterator[Result]:
    for number in monitors:
        fails = dice.randrange(_FAILS_ONE_IN) == 0
        status, reason = (Status.DOWN, Reason.TIMEOUT) if fails else (Status.UP, Reason.OK)
        phases = Phases(900, 11_000, 23_000, 78_000, dice.randrange(75_000, 95_000))
        facts: dict[str, wire.Fact] = {"address": "192.0.2.10", "body_bytes": 512}
        yield Result(
            WIRE_VERSION,
            f"mon_{number:020d}",
            now_ms,
            status,
            reason,
            now_ms,
            phases,
            code=200,
            facts=facts,
            revision=3,
        )


def _await_last(client: redis.Redis, load: ConsensusLoad, within_s: float) -> None:
    """Wait for calls on a last failure of every region, behind all other entries."""
    monitor, now_ms = f"mon_last_{secrets.token_hex(4)}", _now_ms(client)
    last = Result(WIRE_VERSION, monitor, now_ms, Status.DOWN, Reason.REFUSED, now_ms, Phases(total_us=1))
    for region in load.region_names():
        client.xadd(keys.results(region), _entry(region, [last]))
    until(partial(_has_called, client, monitor, load), "consensus did not read everything", within_s)


def _has_called(client: redis.Redis, monitor: str, load: ConsensusLoad) -> bool:
    """Whether there is a call for a monitor in every region."""
    newest = _NEWEST + 2 * load.series * load.turns // _FAILS_ONE_IN
    entries = cast(list[tuple[bytes, dict[bytes, bytes]]], client.xrevrange(keys.CALLS, count=newest))
    calls = [decode_call(fields[keys.BODY]) for _, fields in entries]
    return {call.region for call in calls if call.monitor == monitor} >= set(load.region_names())


def _now_ms(client: redis.Redis) -> int:
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000
