"""Two minutes of chaos: nothing is lost, invented, doubled or left untold, whatever is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.mark.xdist_group("chaos")
@pytest.mark.timeout(420)
def test_two_minutes_of_chaos_lose_invent_and_double_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(CHECKOUT)
    command = [sys.executable, "-m", "vigil.cli", "bench", "chaos", "--minutes", "2", "--seed", "7", "--json"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)

    assert ended.stdout, ended.stderr[-3000:]
    report = json.loads(ended.stdout)
    wrong = {
        name: report[name] for name in ("lost", "invented", "doubled", "silences_untold", "pings_lost") if report[name]
    }
    assert not wrong, (report, ended.stderr[-3000:])
    assert report["outages"] >= 4 and report["silences"] >= 2 and sum(report["nemeses"].values()) >= 3
    assert ended.returncode == 0
