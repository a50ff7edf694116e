"""A whole region worker: a real process, Celery over a real Redis, results on the region's stream."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import QueueUnavailable, RegionQueues
from probes.reasons import Reason, Status
from probes.seal import Sealer, binding, generate_keypair
from probes.signing.envelope import split_value
from probes.signing.private_keys import control_signing_key, region_signing_key
from probes.signing.signatures import Signer
from probes.wire import Batch, Check, Lane, Result
from probes.worker.orders import OrderAdmission
from tests.probes.loopback import closed_port
from tests.probes.worker.region_process import REGION, worker
from tests.signed import control_public, control_signer, now_ms
from tests.streams import entries
from tests.waiting import until
from vigil.bench.region_keys import simulated_secret
from vigil.local.servers.redis import LocalRedis, prepare

#: More messages than a worker holds at once.
PREFETCHED = 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.fixture
def target() -> Iterator[tuple[int, list[bytes]]]:
    """A target on loopback that answers every request; its port and the requests it saw."""
    requests: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            requests.append(self.request.recv(65_536))
            self.request.sendall(ANSWER)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], requests
        server.shutdown()


@contextlib.contextmanager
def queues(url: str) -> Iterator[RegionQueues]:
    made = RegionQueues(url, control_signer())
    try:
        yield made
    finally:
        made.close()


def check(port: int, monitor: str, **fields: object) -> Check:
    now_ms = int(time.time() * 1000)
    spec = msgspec.Raw(encode_spec(parse_spec("http", {"url": f"http://127.0.0.1:{port}/"})))
    return Check(1, monitor, "http", now_ms, now_ms + 30_000, 5000, spec, **fields)  # type: ignore[arg-type]


def results_of(url: str) -> list[Result]:
    with redis.Redis.from_url(url) as client:
        found = entries(client, keys.results(REGION))
    return [result for _, entry in found for result in wire.decode_results(entry[keys.BODY])]


def test_a_batch_sent_to_a_region_comes_back_as_results(
    redis_url: str, tmp_path: Path, target: tuple[int, list[bytes]]
) -> None:
    port, requests = target
    private, public = generate_keypair()
    spec = bytes(check(port, "mon_a").spec)
    sealed = Sealer(public).seal_secrets({"bearer": "tok-planted-123"}, binding(REGION, "mon_a", "http", spec))
    log = tmp_path / "worker.log"
    with worker(redis_url, log, VIGIL_REGION_KEY=private) as process, queues(redis_url) as region_queues:
        region_queues.send(
            Batch(1, REGION, Lane.SCHEDULED, [check(port, "mon_a", sealed=sealed), check(closed_port(), "mon_b")]), 30
        )
        region_queues.send(Batch(1, REGION, Lane.CONFIRM, [check(port, "mon_a", round="rnd_1", look=1)]), 30)
        until(lambda: len(results_of(redis_url)) == 3)
        seen = {(each.monitor, each.round): (each.status, each.reason) for each in results_of(redis_url)}
        assert seen == {
            ("mon_a", ""): (Status.UP, Reason.OK),
            ("mon_b", ""): (Status.DOWN, Reason.REFUSED),
            ("mon_a", "rnd_1"): (Status.UP, Reason.OK),
        }
        with redis.Redis.from_url(redis_url) as client:
            latest = client.hgetall(keys.latest(REGION))
            assert {name: wire.decode_result(packed).status for name, packed in latest.items()} == {
                b"mon_a": Status.UP,
                b"mon_b": Status.DOWN,
            }
            status = wire.decode_status(split_value(client.get(keys.status(REGION)) or b"")[1])
            assert (status.public_key, status.egress) == (public, "private")
            assert abs(status.clock_offset_ms) < 1000
            assert 0 < client.ttl(keys.status(REGION)) <= keys.STATUS_TTL_S
            for key in client.scan_iter():
                assert b"tok-planted-123" not in (client.dump(key) or b"")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert any(b"tok-planted-123" in request for request in requests)
    story = log.read_text()
    assert "event=worker.ready" in story
    assert "event=worker.stopped" in story
    assert "tok-planted-123" not in story
    assert private not in story


def test_t_sec_24_t_sec_27_orders_that_the_control_plane_did_not_sign_are_dropped(
    redis_url: str, tmp_path: Path, target: tuple[int, list[bytes]]
) -> None:
    from probes.queue.app import TASK, region_app

    log = tmp_path / "worker.log"
    with worker(redis_url, log) as process, queues(redis_url) as region_queues:
        app = region_app(REGION, redis_url)
        mine = wire.encode(Batch(1, REGION, Lane.SCHEDULED, [check(target[0], "mon_foreign")]))
        elsewhere = wire.encode(Batch(1, "us-east", Lane.SCHEDULED, [check(target[0], "mon_foreign")]))
        stranger = Signer(region_signing_key(simulated_secret(REGION)), b"evil", now_ms)
        for arguments in (
            (), (mine,), ("text", 1), (mine, b"rubbish"), (mine, stranger.sign(keys.orders(REGION), mine, 60)),
            (elsewhere, control_signer().sign(keys.orders("us-east"), elsewhere, 60)),
        ):  # fmt: skip
            app.send_task(TASK, args=arguments, queue=keys.queue(REGION, Lane.SCHEDULED), argsrepr="", kwargsrepr="")
        app.send_task("os.system", args=(b"true",), queue=keys.queue(REGION, Lane.SCHEDULED))
        app.close()
        region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(target[0], "mon_a")]), 30)
        until(lambda: bool(results_of(redis_url)))
        assert [each.monitor for each in results_of(redis_url)] == ["mon_a"]
        assert process.poll() is None
    story = log.read_text()
    assert "event=results.refused" in story and "origin=orders" in story
    assert len(target[1]) == 1, "what only the last order asked for"


def test_t_sec_27_an_order_is_taken_once_for_this_region_and_for_a_time() -> None:
    admission = OrderAdmission(REGION, (control_public(),), now_ms)
    order, signer = wire.encode(Batch(1, REGION, Lane.SCHEDULED, [])), control_signer()
    place = keys.orders(REGION)
    mine = signer.sign(place, order, 60)
    assert admission.admit(order, mine) == Batch(1, REGION, Lane.SCHEDULED, [])
    late = Signer(control_signing_key(os.environ["VIGIL_SEAL_KEYS"]), b"late", lambda: now_ms() - 61_000)
    other = wire.encode(Batch(1, "us-east", Lane.SCHEDULED, []))
    for payload, envelope in (
        (order, mine), (order, b""), (order + b"!", mine), (order, late.sign(place, order, 60)),
        (order, signer.sign(keys.orders("us-east"), order, 60)), (b"\xc1", signer.sign(place, b"\xc1", 60)),
        (other, signer.sign(place, other, 60)), (7, None),
    ):  # fmt: skip
        assert admission.admit(payload, envelope) is None
    assert admission.refused == {
        "replayed": 1, "unsigned": 1, "forged": 1, "expired": 1, "wrong_place": 2, "unreadable": 1, "malformed": 1,
    }  # fmt: skip
    name = keys.heard_by(REGION, keys.DISMISSED)
    assert admission.verified(name, signer.sign(name, b"", 60)) == b""
    assert admission.verified(name, b"1") is None
    assert admission.verified(keys.stored(REGION), signer.sign(name, b"", 60)) is None
    before = admission.refused
    assert admission.verified(name, late.sign(name, b"", 60)) is None
    assert admission.refused == before, "a control plane that fell silent forged nothing"


def test_t_sec_24_an_entry_of_the_queue_that_is_no_message_is_counted_and_ends_nothing(
    redis_url: str, tmp_path: Path, target: tuple[int, list[bytes]]
) -> None:
    log = tmp_path / "worker.log"
    with (
        worker(redis_url, log) as process,
        queues(redis_url) as region_queues,
        redis.Redis.from_url(redis_url) as client,
    ):
        queue = keys.celery_prefix(REGION) + keys.queue(REGION, Lane.SCHEDULED)
        properties = {"body_encoding": "base64", "delivery_tag": "x", "delivery_info": {}}
        message = {"body": "", "headers": {}, "properties": properties, "content-type": "x", "content-encoding": "y"}
        changes: list[dict[str, object]] = [
            {"body": "!"}, {"body": 7}, {"headers": None}, {"headers": []}, {"headers": {"task": 7, "id": []}},
            {"properties": None}, {"properties": {}}, {"properties": properties | {"body_encoding": "rot13"}},
            {"content-type": []}, {"content-type": None, "content-encoding": None},
        ]  # fmt: skip
        rubbish = [b"", b"rubbish", b"\xff" * 1_000, b"{}", b"[]", b"7", b"null", b"[" * 100_000]
        rubbish += [json.dumps(message | wrong).encode() for wrong in changes]
        for _ in range(PREFETCHED):
            client.lpush(queue, *rubbish)
        region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(target[0], "mon_a")]), 30)
        until(lambda: bool(results_of(redis_url)))
        assert process.poll() is None
    story = log.read_text()
    assert "malformed=" in story and "event=worker.ready" in story
    assert story.count("event=worker.ready") == 1 and "redis.away" not in story


def test_stopping_reports_the_checks_that_will_not_be_seen(redis_url: str, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as nobody_answers,
        queues(redis_url) as region_queues,
        worker(redis_url, tmp_path / "worker.log") as process,
    ):
        hanging = check(nobody_answers.getsockname()[1], "mon_hanging")
        hanging = msgspec.structs.replace(hanging, timeout_ms=60_000)
        region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [hanging]), 30)
        nobody_answers.settimeout(20)
        connection, _ = nobody_answers.accept()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        connection.close()
    assert [each.reason for each in results_of(redis_url)] == [Reason.MISSED]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[LocalRedis, Callable[[], subprocess.Popen[bytes]]]]:
    """A Redis of this test alone, and what starts it (again)."""
    home = tmp_path / "redis"
    home.mkdir()
    server = prepare(home, "hunter2", closed_port())
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(server.argv, env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        until(server.is_ready)
        return process

    yield server, start
    for process in started:
        process.kill()
        process.wait()


def test_a_worker_survives_the_sudden_death_of_redis_and_loses_no_result_it_has(
    own_redis: tuple[LocalRedis, Callable[[], subprocess.Popen[bytes]]], tmp_path: Path, target: tuple[int, list[bytes]]
) -> None:
    server, start = own_redis
    log = tmp_path / "worker.log"
    first_redis = start()
    with worker(server.url, log) as process, queues(server.url) as region_queues:
        late = msgspec.structs.replace(check(target[0], "mon_meanwhile"), at_ms=int(time.time() * 1000) + 1500)
        region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(target[0], "mon_before"), late]), 30)
        until(lambda: [each.monitor for each in results_of(server.url)] == ["mon_before"])
        first_redis.kill()
        first_redis.wait()
        with pytest.raises(QueueUnavailable):
            region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(target[0], "mon_lost")]), 30)
        until(lambda: len(target[1]) == 2)
        start()
        until(lambda: any(each.monitor == "mon_meanwhile" for each in results_of(server.url)))
        region_queues.send(Batch(1, REGION, Lane.SCHEDULED, [check(target[0], "mon_after")]), 30)
        until(lambda: any(each.monitor == "mon_after" for each in results_of(server.url)))
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "hunter2" not in log.read_text()


def test_health_is_served_where_it_was_asked_for(redis_url: str, tmp_path: Path) -> None:
    from tests.probes.process.test_health_and_logs import ask

    port = closed_port()
    with worker(redis_url, tmp_path / "worker.log", VIGIL_HEALTH_PORT=str(port)):
        until(lambda: ask(port)[0] == 200)
        code, report = ask(port)
        assert (code, report["process"]) == (200, "probe-eu-west")
