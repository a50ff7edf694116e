"""Regions in networks of their own: whatever is cut, lost, late, stopped or restarted, an outage is told once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).with_name("partitions.py")
NOT_PERMITTED = 3


def played(folder: Path) -> dict[str, dict[str, object]]:
    """Play the scenario; skips only where there can be no network namespaces, and never in CI."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment |= {"PYTHONPATH": str(SCENARIO.parents[2]), "PARTITIONS_FOLDER": str(folder)}
    ended = subprocess.run(
        [sys.executable, str(SCENARIO)], env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    if ended.returncode == NOT_PERMITTED:
        why = f"regions cannot have networks of their own here: {ended.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(f"{why}; in CI they must")
        pytest.skip(why)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return dict(json.loads(ended.stdout))


@pytest.mark.timeout(520)
def test_every_outage_is_told_once_and_nothing_else_whatever_happens_to_the_network(tmp_path: Path) -> None:
    outcome = played(tmp_path)

    witnesses = [outcome.pop(name) for name in ("witness one", "witness two")]
    assert len(outcome) == 10
    for fault, told in outcome.items():
        assert (told["incidents"], told["triggers"], told["resolves"], told["false"]) == (1, 1, 1, 0), (fault, told)
        assert int(str(told["votes"])) >= 3, (fault, told)
    assert all((told["incidents"], told["triggers"], told["other_kinds"]) == (0, 0, []) for told in witnesses)
