"""Most regions lose their own way, with real processes: one incident of the regions, no outage, and true ones told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("lost_way.py")


@pytest.mark.timeout(320)
def test_issue13_8_three_of_five_regions_that_lose_their_way_are_one_incident_and_hide_no_outage() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment |= {"PYTHONPATH": str(SCENARIO.parents[2])}
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    story = json.loads(ended.stdout)

    main = [one for one in story["incidents"] if one["kind"] not in ("blind", "self_test")]
    regional = [one for one in main if not one["monitor"]]
    assert [(one["kind"], one["resolved"]) for one in regional] == [("regional", True)], main
    assert regional[0]["title"] == "3 of 5 regions lost their way: what is seen from the 2 others is well"
    # A region may be found to be sick alone a moment before the others; it joins them then.
    others = [one for one in story["while_lost"] if not (one["cause"].startswith("sick:") and one["resolved"])]
    assert {one["kind"] for one in others} <= {"regional", "self_test"}, others
    assert story["statuses_while_lost"] == ["up"] * 15
    outages = [one["monitor"] for one in main if one["kind"] == "outage"]
    assert outages == ["target 0"], main
    assert story["told_s"]["lost"] < 30
    assert story["told_s"]["outage"] < 30
