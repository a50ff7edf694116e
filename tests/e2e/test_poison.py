"""P1 to P3, S1, S2, S4: whatever is written, leaders and standbys go on, and an outage begun meanwhile is told of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("poison.py")


@pytest.mark.timeout(420)
def test_p1_p2_p3_s1_s2_s4_an_outage_is_told_within_ten_seconds_whatever_is_written() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(SCENARIO.parents[2])
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=400, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout)
    assert len(outcome) == 11
    for poison, told in outcome.items():
        assert told["ended"] == [], (poison, told)
        assert float(told["alerted_s"]) < 10, (poison, told)
