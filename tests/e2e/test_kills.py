"""Kill -9 of any one process during an outage: at most a delay, never a second or a missing incident."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("kills.py")


@pytest.mark.timeout(420)
def test_every_outage_is_told_once_whichever_process_is_killed_in_it() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(SCENARIO.parents[2])
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=400, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout)
    assert len(outcome) == 9
    for victim, told in outcome.items():
        assert (told["triggers"], told["resolves"], told["incidents"]) == (1, 1, 1), (victim, told)
        assert told["votes"] >= 3, (victim, told)
