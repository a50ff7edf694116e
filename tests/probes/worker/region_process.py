"""A region's worker as a process of its own, for tests that want a whole one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import redis

from probes import keys
from tests.signed import worker_environment
from tests.waiting import until

REGION = "eu-west"


@contextlib.contextmanager
def worker(url: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has written its first status; killed at the end if it still runs."""
    settings = {"VIGIL_REDIS_URL": url, "VIGIL_EGRESS": "private", **worker_environment(REGION), **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "probes", "--region", REGION],
            env={"PATH": os.environ["PATH"], **settings},
            stdout=output,
            stderr=output,
        )
        try:
            with redis.Redis.from_url(url) as client:
                until(lambda: process.poll() is not None or bool(client.exists(keys.status(REGION))))
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.kill()
            process.wait()
