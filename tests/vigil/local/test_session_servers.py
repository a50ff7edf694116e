"""The servers of the test session answer."""

from __future__ import annotations

import psycopg
from redis import Redis

from probes import keys


def test_the_sessions_postgresql_answers(postgres_server: str) -> None:
    with psycopg.connect(postgres_server) as connection:
        assert connection.info.server_version >= 160_000


def test_each_tests_redis_is_empty(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.keys() == [keys.REGION_KEYS.encode()], "but for the keys of the regions that tests stand in for"
