"""Ingest benchmark: CPU of a verdict, from the stream to the committed incident, and of a belief.

  manage.py bench ingest --json
  manage.py bench ingest --monitors 2000 --turns 4

A real `manage.py run ingest` reads from a real Redis and writes to a real PostgreSQL, both its own. Verdicts are laid
in the stream while it is stopped: in every turn each monitor goes down or comes up, one in ten with every vote told
in full. Then it is timed from its continuation until it has passed the last one. `us_per_quiet_verdict` is of verdicts
that say the same again. CPU is the process's own; that of the servers is not in it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from vigil.bench.database import own_database
from vigil.bench.measure import cpu_ns
from vigil.bench.report import print_report, say, until
from vigil.cli.errors import CommandError

BUDGETS = {"us_per_verdict": 6_000.0, "us_per_quiet_verdict": 1_000.0}
REGIONS = 5
READY_S, READ_S = 30.0, 600.0
#: Between two rounds on a monitor: what came up is well again, and nothing flaps (ms).
APART_MS = 3_600_000


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=500, help="monitors (default 500)")
    parser.add_argument("--turns", type=int, default=4, help="verdicts on each that change it (default 4)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not (1 <= args.monitors <= 20_000 and 1 <= args.turns <= 20):
        raise CommandError("--monitors is 1 to 20000, --turns 1 to 20")
    with own_database():
        report = measure(args.monitors, args.turns)
    print_report(report, args.json, BUDGETS)
    return 0


def measure(monitors: int, turns: int) -> dict[str, Any]:
    """Run everything on the servers that the environment names, with Django set up."""
    import redis

    from vigil.bench.rows import write_monitors
    from vigil.incidents.models import Incident
    from vigil.monitors.models import Monitor, Region

    for number in range(REGIONS):
        Region.objects.create(slug=f"region-{number}", domain=f"domain-{number}")
    write_monitors(monitors, 0, 60, "https://example.test")
    names = list(Monitor.objects.order_by("pk").values_list("public_id", flat=True))
    process = subprocess.Popen(
        [sys.executable, "-m", "vigil.cli", "run", "ingest"],
        env={**os.environ, "VIGIL_HEALTH_PORT": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = redis.Redis.from_url(os.environ["VIGIL_REDIS_URL"])
    try:
        load = VerdictLoad(client, process.pid, names)
        until(load.has_beliefs, "ingest does not start", READY_S)
        load.apply([False])
        says_down = [turn % 2 == 0 for turn in range(turns)]
        say("verdicts that open and resolve incidents")
        moving = load.apply(says_down)
        say("verdicts that say the same again")
        quiet = load.apply(says_down[-1:] * turns)
        incidents = Incident.objects.count()
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(15)
        client.close()
    return {
        "us_per_verdict": moving["us"],
        "us_per_quiet_verdict": quiet["us"],
        "verdicts_per_s": moving["per_s"],
        "verdicts": monitors * turns,
        "incidents": incidents,
    }


class VerdictLoad:
    """Verdicts on these monitors, written while ingest is stopped."""

    def __init__(self, client: Any, pid: int, monitors: Sequence[str]) -> None:
        self._redis, self._pid, self._monitors = client, pid, monitors
        self._at_ms = int(time.time() * 1000) - 1_000 * APART_MS

    def has_beliefs(self) -> bool:
        from probes import keys

        return bool(self._redis.hexists(keys.BELIEVED, keys.BELIEVED_MARK))

    def apply(self, says_down: Sequence[bool]) -> dict[str, float]:
        """CPU (us) and verdicts a second of one verdict a turn on each monitor."""
        from probes import keys
        from vigil.control_keys import control_macs
        from vigil.incidents.models import IngestPosition

        os.kill(self._pid, signal.SIGSTOP)
        last = ""
        for is_down in says_down:
            self._at_ms += APART_MS
            pipe = self._redis.pipeline(transaction=False)
            for place, monitor in enumerate(self._monitors):
                payload = verdict(monitor, self._at_ms, is_down, in_full=place % 10 == 0)
                mac = control_macs().mac(keys.VERDICTS, payload, int(time.time() * 1000))
                pipe.xadd(keys.VERDICTS, {keys.BODY: payload, keys.ENVELOPE: mac})
            last = pipe.execute()[-1].decode()
        begun_s, cpu_before = time.monotonic(), cpu_ns(self._pid)
        os.kill(self._pid, signal.SIGCONT)
        until(
            lambda: IngestPosition.objects.filter(pk=keys.VERDICTS, entry_id=last).exists(),
            "ingest did not apply everything",
            READ_S,
        )
        took_s, cpu_us = time.monotonic() - begun_s, (cpu_ns(self._pid) - cpu_before) / 1e3
        verdicts = len(self._monitors) * len(says_down)
        return {"us": round(cpu_us / verdicts, 1), "per_s": round(verdicts / took_s)}


def verdict(monitor: str, at_ms: int, is_down: bool, in_full: bool) -> bytes:
    """A verdict of all regions, encoded; with `in_full` every vote has a text and an address."""
    from consensus.verdicts import Cause, Elector, Sensitivity, Verdict, VerdictReason, Vote, encode
    from probes.reasons import Reason, Status
    from probes.wire import Phases

    status, reason = (Status.DOWN, Reason.HTTP_5XX) if is_down else (Status.UP, Reason.OK)
    why = VerdictReason.QUORUM_FAILED if is_down else VerdictReason.QUORUM_PASSED
    names = [f"region-{number}" for number in range(REGIONS)]
    told: dict[str, Any] = (
        {"detail": "HTTP 503: overloaded, try again later", "address": "192.0.2.10"} if in_full else {}
    )
    votes = [
        Vote(name, f"domain-{name[-1]}", 1, status, reason, at_ms, phases=Phases(total_us=90_000), **told)
        for name in names
    ]
    return encode(
        Verdict(
            1, f"rnd_{monitor}_{at_ms}", monitor, status, why, reason, at_ms, at_ms - 2_000,
            at_ms - 3_000, REGIONS, REGIONS, 3, REGIONS, votes, [], [], Sensitivity.HIGH, Cause.RECHECK,
            "5 of 5 regions say the same", assigned=names, revision=1,
            electorate=[Elector(name, f"domain-{name[-1]}") for name in names], looks_ms=[at_ms - 2_000], closed=1,
        )
    )  # fmt: skip
