"""The demo from outside: the story holds with real processes, and nothing of it is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "vigil.cli", "demo", "--once", "--json"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for the demo's own, which PostgreSQL's account may enter."""
    with tempfile.TemporaryDirectory(prefix="test-demo-") as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path


@contextlib.contextmanager
def demo_in(place: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(CHECKOUT)}
    demo = subprocess.Popen(COMMAND, env=env, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with demo:
        try:
            yield demo
        finally:
            demo.terminate()


def left_behind(place: Path) -> list[str]:
    """Folders of the demo, and processes that still mention one."""
    folders = [str(path) for path in place.glob("vigil-demo-*")]
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.exists()]
    return folders + [command.decode() for command in commands if str(place).encode() in command]


@pytest.mark.timeout(240)
def test_the_story_holds(place: Path) -> None:
    with demo_in(place) as demo:
        out, progress = demo.communicate(timeout=220)
    story = json.loads(out)
    assert story["held"] is True, f"{story['broken']}\n{progress}"
    assert demo.returncode == 0
    assert len({seat["domain"] for seat in story["regions"]}) >= 3
    assert [alert["kind"] for alert in story["alerts"]] == ["trigger", "resolve"]
    failing = [vote for vote in story["alerts"][0]["votes"] if vote["status"] == "down" and vote["counted"]]
    assert len(failing) >= 3
    assert 0 <= story["fault_to_first_failure_s"] <= story["fault_to_verdict_s"] <= story["fault_to_alert_s"] < 20
    assert story["recovery_to_resolve_s"] >= 50
    assert left_behind(place) == []


def test_a_demo_that_is_stopped_leaves_nothing_behind(place: Path) -> None:
    with demo_in(place) as demo:
        assert demo.stderr is not None
        for line in demo.stderr:
            if "are running" in line:
                break
        # `up`, which it runs, is ended by SIGTERM in its own tests.
        demo.send_signal(signal.SIGINT)
        out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert out == ""
    assert left_behind(place) == []
