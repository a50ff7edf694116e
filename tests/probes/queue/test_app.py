"""The region queues are set as the guide says: nothing waits for a timeout to be given back."""

from __future__ import annotations

import re
from pathlib import Path

from probes import keys
from probes.queue.app import region_app
from probes.wire import Lane

GUIDE = Path(__file__).resolve().parents[3] / "deploy" / "guide" / "regions.md"
REGION = "eu-west"


def told() -> dict[str, str]:
    """Settings and values of the guide's table."""
    section = GUIDE.read_text().split("## What Celery is set to", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+?) \|", section, re.MULTILINE))


def test_the_queues_are_set_as_the_guide_says() -> None:
    conf = region_app(REGION, "redis://127.0.0.1:1/0").conf
    options = conf.broker_transport_options
    rows = told()
    assert len(rows) >= 8
    for name, value in rows.items():
        found = options[name] if name in options else conf[name]
        assert (str(found).lower() if isinstance(found, bool) else str(found)) == value, name


def test_nothing_is_restored_so_no_timeout_of_restoring_is_set() -> None:
    options = region_app(REGION, "redis://127.0.0.1:1/0").conf.broker_transport_options
    assert options["ack_emulation"] is False
    assert not {name for name in options if name.startswith(("visibility_", "unacked_"))}, "they would do nothing"


def test_a_batch_that_was_taken_leaves_no_copy_in_redis(redis_url: str) -> None:
    import redis

    app = region_app(REGION, redis_url)
    with redis.Redis.from_url(redis_url) as client, app.connection_for_read() as connection:
        with app.amqp.Producer(connection) as producer:
            producer.publish(b"a batch", routing_key=keys.queue(REGION, Lane.CONFIRM), serializer="vigil")
        queue = app.amqp.queues[keys.queue(REGION, Lane.CONFIRM)](connection.default_channel)
        assert client.llen(keys.celery_prefix(REGION) + queue.name) == 1
        assert queue.get(no_ack=False) is not None
        left = {key.decode() for key in client.scan_iter(keys.celery_prefix(REGION) + "*")}
        assert not {key for key in left if "unacked" in key or key.endswith(queue.name)}
