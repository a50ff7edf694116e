"""Two minutes of soak test: nothing is lost, invented, doubled or left untold, whatever is harmed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vigil.bench.soak.report import WRONGS

CHECKOUT = Path(__file__).resolve().parents[4]
COMMAND = ("-m", "vigil.cli", "bench", "soak", "--minutes", "2", "--seed", "7", "--regions", "4", "--json")


@pytest.mark.xdist_group("chaos")
@pytest.mark.timeout(420)
def test_two_minutes_of_nemeses_lose_invent_and_double_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(CHECKOUT)
    command = [sys.executable, *COMMAND]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)

    assert ended.stdout, ended.stderr[-3000:]
    report = json.loads(ended.stdout)
    assert not {name: report[name] for name in WRONGS if report[name]}, (report, ended.stderr[-3000:])
    assert report["outages"] >= 4 and report["silences"] >= 2 and sum(report["nemeses"].values()) >= 3
    # Two minutes are too short to say how memory grows; each process has been looked at, though.
    assert {"consensus", "deliver", "worker-far-1"} <= {one["role"] for one in report["memory"]}
    assert ended.returncode == 0
