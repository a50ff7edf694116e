"""Clock of a far region: it follows the file that the test steps, both ways of asking, and `monotonic` stays."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from vigil.bench.soak.stepped_worker import write_offset

#: Steps of 0 to 900 s are told apart from the time that a slow machine needs.
ROOM_S = 100.0
ASK = (
    "import sys, time, pathlib; from vigil.bench.soak.stepped_worker import step_clock, write_offset;"
    "file = pathlib.Path(sys.argv[1]); step_clock(file); write_offset(file, float(sys.argv[2]));"
    "print(time.time(), time.time_ns() / 1e9, time.monotonic())"
)


@pytest.mark.parametrize("offset_s", [0.0, 900.0, -900.0])
def test_the_clock_of_the_worker_follows_the_file(tmp_path: Path, offset_s: float) -> None:
    write_offset(tmp_path / "clock", 0.0)
    said = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "clock"), str(offset_s)], capture_output=True, text=True, check=True
    )
    seconds, nanoseconds, steady = map(float, said.stdout.split())
    assert seconds - time.time() == pytest.approx(offset_s, abs=ROOM_S)
    assert nanoseconds == pytest.approx(seconds, abs=ROOM_S)
    assert steady == pytest.approx(time.monotonic(), abs=ROOM_S)
