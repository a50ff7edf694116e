"""A region's host needs the probe's own lock and nothing else: no Django, no database driver."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from probes import keys
from probes.queue.sender import RegionQueues
from probes.reasons import Status
from probes.seal import generate_keypair
from probes.wire import Batch, Lane
from tests.probes.worker.test_service import check, eventually, results_of, target

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "deploy" / "requirements-probe.lock"
__all__ = ["target"]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment that holds the probe's lock and nothing else."""
    home = tmp_path_factory.mktemp("probe-environment")
    uv = shutil.which("uv")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    python = home / "venv" / "bin" / "python"
    if uv:
        create = [[uv, "venv", "--python", sys.executable, str(home / "venv")]]
        install = [uv, "pip", "install", "--python", str(python), "--require-hashes", "-r", str(LOCK)]
    else:
        create = [[sys.executable, "-m", "venv", str(home / "venv")]]
        install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
    for command in [*create, install]:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    # What a wheel of the probe half holds: the package alone.
    shutil.copytree(ROOT / "probes", home / "probes", ignore=shutil.ignore_patterns("__pycache__"))
    return python


@pytest.mark.timeout(400)
def test_a_worker_runs_where_django_is_not_installed(
    bare_python: Path, redis_url: str, tmp_path: Path, target: tuple[int, list[bytes]]
) -> None:
    home = bare_python.parents[2]
    for module in ("django", "psycopg", "consensus", "vigil"):
        found = subprocess.run(
            [bare_python, "-c", f"import {module}"], cwd=home, capture_output=True, timeout=60, check=False
        )
        assert found.returncode != 0, f"{module} can be imported"
    environment = {"VIGIL_REGION": "eu-west", "VIGIL_REDIS_URL": redis_url, "VIGIL_REGION_KEY": generate_keypair()[0]}
    queues = RegionQueues(redis_url)
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [bare_python, "-m", "probes", "--region", "eu-west"], cwd=home, env=environment, stderr=output
        )
    try:
        with redis.Redis.from_url(redis_url) as client:
            eventually(lambda: bool(client.exists(keys.heartbeat("eu-west"))), within_s=60)
        queues.send(Batch(1, "eu-west", Lane.SCHEDULED, [check(target[0], "mon_a")]), 30)
        eventually(lambda: bool(results_of(redis_url)))
    finally:
        process.terminate()
        process.wait(20)
        queues.close()
    # It was not told that it may dial private addresses, so it saw nothing, and said so.
    assert [(each.monitor, each.status) for each in results_of(redis_url)] == [("mon_a", Status.UNKNOWN)]
    assert process.returncode == 0, log.read_text()
