"""Failover of Redis by Sentinel, in outages of targets: every one is told once, and soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("failovers.py")


@pytest.mark.timeout(420)
def test_every_outage_is_told_once_also_while_redis_fails_over() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(SCENARIO.parents[2])
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=400, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout)
    assert len(outcome["outages"]) == 4
    for name, told in outcome["outages"].items():
        assert (told["triggers"], told["incidents"]) == (1, 1), (name, told)
        # 15 s are promised, of a machine that is not several times slower than it should be.
        assert told["votes"] >= 2 and told["delay_s"] < 60, (name, told)
    assert outcome["ended"] == 3, "a region that is ended is ended on every server"
    assert outcome["releases"] == 6, "every server and every Sentinel is looked at"
    assert outcome["refused"], "a region's login at a Sentinel can ask for the primary and no more"
