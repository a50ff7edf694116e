"""A planted secret appears in no log, Redis value, table, answer or alert, whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("canary.py")


@pytest.mark.timeout(240)
def test_inv_24_no_planted_secret_is_found_anywhere() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(SCENARIO.parents[2])
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=220, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout)
    assert outcome["missing"] == []
    assert outcome["places"] > 200
    assert outcome["carried"] > 20
    assert outcome["leaks"] == []
