"""Two servers of Redis: what regions reach is on one, and harm to either loses no incident and repeats none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("boundaries.py")


@pytest.mark.timeout(420)
def test_every_outage_is_told_once_whichever_redis_is_harmed_in_it() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(SCENARIO.parents[2])
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=400, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout)
    assert len(outcome["outages"]) == 4
    for harm, told in outcome["outages"].items():
        assert (told["triggers"], told["incidents"]) == (1, 1), (harm, told)
        assert told["votes"] >= 2, (harm, told)
    assert outcome["misplaced"] == [], "each key is on its own server"
    assert outcome["told"] == {
        "regions killed": "regions: Redis cannot be reached",
        "control killed": "control plane: Redis cannot be reached",
    }
    assert not [name for name in outcome["users"] if name.startswith("worker-")]
