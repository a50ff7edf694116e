"""Our own Redis starts, keeps its data, and survives every leftover of an earlier run."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from tests.standins import is_alive
from tests.waiting import until
from vigil.local import children
from vigil.local.errors import CannotStart
from vigil.local.servers import ports, redis

PASSWORD = "a-long-and-random-word"


def test_data_survives_a_restart(tmp_path: Path) -> None:
    with redis.running(tmp_path, PASSWORD, tmp_path / "log") as server, Redis.from_url(server.url) as client:
        client.set("kept", 42)
    with redis.running(tmp_path, PASSWORD, tmp_path / "log") as server, Redis.from_url(server.url) as client:
        assert client.get("kept") == b"42"


def test_a_server_left_over_by_a_killed_parent_is_ended_first(tmp_path: Path) -> None:
    server = redis.prepare(tmp_path, PASSWORD, ports.take_free_port())
    left_over = subprocess.Popen(
        server.argv, env=server.env, cwd=server.folder, **children.popen_options(redis.STOP_SIGNAL)
    )
    try:
        until(server.is_ready)
        with redis.running(tmp_path, PASSWORD, tmp_path / "log") as second:
            assert second.is_ready()
            assert not is_alive(left_over.pid)
    finally:
        children.stop(left_over, signal.SIGKILL)


def test_the_password_is_asked_for_and_shown_nowhere(tmp_path: Path) -> None:
    with redis.running(tmp_path, PASSWORD, tmp_path / "log") as server:
        assert PASSWORD not in repr(server)
        assert not any(PASSWORD in argument for argument in server.argv)
        assert (server.folder / "redis.conf").stat().st_mode & 0o077 == 0
        with pytest.raises(CannotStart, match="refuses its user or password"):
            redis.check_url(f"redis://127.0.0.1:{server.port}/0")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:secret@127.0.0.1:1/0", "cannot reach the Redis that VIGIL_REDIS_URL names"),
        ("http://:secret@127.0.0.1/0", "VIGIL_REDIS_URL is not a Redis address"),
    ],
)
def test_a_named_server_that_does_not_answer_is_one_clear_line(url: str, said: str) -> None:
    with pytest.raises(CannotStart, match=said) as refused:
        redis.check_url(url)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_named_server_that_answers_is_accepted(redis_url: str) -> None:
    redis.check_url(redis_url)
