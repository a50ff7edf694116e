"""An upgrade part by part, with the release before beside the present code: no check of any region is missed.

`releases` holds the code of that release, packed by `releases/pack.py`: a clone need not have the history.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("side_by_side.py")


@pytest.mark.timeout(600)
def test_no_monitor_misses_a_check_in_either_region_while_parts_of_two_releases_work_together() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment["PYTHONPATH"] = str(SCENARIO.parents[2])
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=580, check=False
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout)
    assert outcome["ended"] == []
    assert outcome["told"] == ["trigger"]
    assert len(outcome["checks"]) > 30
    for monitor, regions in outcome["checks"].items():
        assert len(regions) == 2
        for region, checks in regions.items():
            times, statuses = [at_ms for at_ms, _ in checks], {status for _, status in checks}
            gaps = {later - earlier for earlier, later in pairwise(times)}
            assert gaps == {outcome["interval_ms"]}, (monitor, region, checks)
            # One that came too late is recorded as unknown.
            assert statuses == {"up"} or (monitor == "failing" and statuses <= {"up", "down"}), (
                monitor,
                region,
                checks,
            )
