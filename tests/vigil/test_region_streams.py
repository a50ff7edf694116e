"""S18: what a region writes is bounded before it is in the memory of a reader; others are read meanwhile."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from functools import partial

import pytest
import redis

from probes import keys, wire
from probes.process import redis_streams
from probes.process.key_repair import delete_future_streams
from probes.process.redis_client import ReplyTooLarge, bounded
from probes.process.redis_streams import REPLY_BYTES, Entries, RegionStreams, fitting
from probes.reasons import Reason, Status
from tests.streams import entries
from vigil.history.recording.streams import ResultStreams
from vigil.monitors.live import results

MB = 1_000_000
GOOD, BAD = keys.results("good").encode(), keys.results("bad").encode()
LIMIT = "client-output-buffer-limit"
START = {GOOD: b"0-0", BAD: b"0-0"}


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, socket_timeout=10) as client:
        yield client


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with smaller numbers: a machine of tests is small."""
    monkeypatch.setattr(redis_streams, "REPLY_BYTES_MOST", 4 * MB)


def fill(client: redis.Redis, name: bytes, sizes: list[int]) -> None:
    for size in sizes:
        client.xadd(name, {keys.BODY: b"x" * size})


def test_a_client_reads_as_many_bytes_of_a_reply_as_it_is_told_and_goes_on(client: redis.Redis) -> None:
    client.set("large", b"x" * 2 * MB)
    reader = bounded(client, MB)
    for _ in range(3):
        with pytest.raises(ReplyTooLarge):
            reader.get("large")
        assert reader.ping()
    pipe = reader.pipeline(transaction=False)
    for _ in range(30):
        pipe.getrange("large", 0, 100_000)
    assert len(pipe.execute()) == 30, "each reply has its own bound"


@pytest.mark.parametrize(
    ("sizes", "read", "kept"),
    [([1_000] * 50, 50, True), ([200_000] * 50, 50, True), ([3 * MB] * 5, 5, True), ([20 * MB], 0, False)],
    ids=["small entries", "together too large", "few fit", "one too large"],
)
def test_s18_a_stream_is_read_in_parts_that_fit_and_one_that_never_fits_is_deleted(
    client: redis.Redis, sizes: list[int], read: int, kept: bool
) -> None:
    fill(client, GOOD, [100] * 20)
    fill(client, BAD, sizes)
    deleted: list[bytes] = []
    reader = RegionStreams(client, 500, deleted.append)
    positions, found = dict(START), {GOOD: 0, BAD: 0}
    tracemalloc.start()
    for _ in range(12):
        for name, read_now in reader.read(positions, 1):
            found[name] += len(read_now)
            positions[name] = read_now[-1][0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {GOOD: 20, BAD: read}
    assert bool(client.exists(BAD)) == kept and deleted == ([] if kept else [BAD])
    assert peak < 16 * MB
    client.xadd(BAD, {keys.BODY: b"again"})
    assert [name for name, _ in reader.read(positions, 1)] == [BAD]


def test_a_reply_is_as_large_as_the_last_entries_let_it_be() -> None:
    def streams(count: int, size: int) -> list[tuple[bytes, Entries]]:
        return [(name, [(b"1-0", {keys.BODY: bytes(size), keys.ENVELOPE: b""})] * count) for name in (GOOD, BAD)]

    assert fitting(streams(40, 65_536), 500) == REPLY_BYTES // 65_536 // 2
    assert fitting(streams(3, 100), 500) == 500, "small ones are asked for in plenty"
    assert fitting(streams(1, 4 * MB), 500) == 1
    assert fitting([], 500) == 0 and fitting(streams(1, 0), 500) == 0


def test_a_backlog_of_large_entries_is_read_in_small_replies(client: redis.Redis) -> None:
    reader, position = RegionStreams(client, 500), b"0-0"
    for sizes, read in (([MB] * 3, 3), ([MB] * 3, 2)):
        fill(client, BAD, sizes)
        ((_, entries),) = reader.read({BAD: position}, 1)
        assert len(entries) == read
        position = entries[-1][0]
    assert reader.has_more(BAD, entries)


def test_s18_the_recorder_reads_on_beside_an_entry_too_large(client: redis.Redis) -> None:
    fill(client, GOOD, [100] * 3)
    fill(client, BAD, [100, 20 * MB])
    streams = ResultStreams(client)
    streams.follow({1: "good", 2: "bad"})
    first = entries(client, BAD.decode())[0][0].decode()
    found = dict(streams.read({1: "0-0", 2: first}))
    assert len(found[1].entries) == 3 and 2 not in found
    assert not client.exists(BAD)


@pytest.fixture
def closing(client: redis.Redis) -> Iterator[redis.Redis]:
    """Redis closes a client that is sent more than 2 MB at once, as it does at 256 MB where it is set up as we say."""
    before = client.config_get(LIMIT)[LIMIT]
    client.config_set(LIMIT, "normal 2mb 0 0")
    yield client
    client.config_set(LIMIT, str(before))


@pytest.mark.parametrize(
    ("size", "number", "read"), [(300_000, 40, 40), (3 * MB, 2, 0)], ids=["together too large", "one too large"]
)
def test_s18_readers_that_redis_closes_for_a_large_answer_ask_for_less(
    closing: redis.Redis, size: int, number: int, read: int
) -> None:
    fill(closing, GOOD, [100] * 20)
    fill(closing, BAD, [size] * number)
    reader, positions, found = RegionStreams(closing, 500), dict(START), {GOOD: 0, BAD: 0}
    for _ in range(20):
        for name, read_now in reader.read(positions, 1):
            found[name] += len(read_now)
            positions[name] = read_now[-1][0]
    assert found == {GOOD: 20, BAD: read}
    assert closing.exists(BAD) == (read > 0), "one that never fits is deleted"


@pytest.mark.parametrize(
    ("size", "number", "read"), [(300_000, 40, 40), (3 * MB, 2, 0)], ids=["together too large", "one too large"]
)
def test_s18_a_recorder_that_redis_closes_for_a_large_answer_asks_for_less(
    closing: redis.Redis, size: int, number: int, read: int
) -> None:
    fill(closing, GOOD, [100] * 20)
    fill(closing, BAD, [size] * number)
    streams, positions, found = ResultStreams(closing), {1: "0-0", 2: "0-0"}, {1: 0, 2: 0}
    streams.follow({1: "good", 2: "bad"})
    for _ in range(20):
        for region, one in streams.read(positions):
            found[region] += len(one.entries)
            positions[region] = one.entries[-1][0]
    assert found == {1: 20, 2: read}


def test_a_stream_is_kept_whose_reader_was_closed_once_for_another_cause(
    closing: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(closing, BAD, [3 * MB])
    reader = RegionStreams(closing, 1)
    monkeypatch.setattr(reader.client, "xlen", lambda name: closing.config_set(LIMIT, "normal 0 0 0"))
    assert len(reader.after(BAD, b"0-0")) == 1
    assert closing.exists(BAD)


@pytest.mark.parametrize("word", ["LOADING", "MASTERDOWN"])
def test_a_stream_is_kept_while_its_server_answers_a_ping_and_gives_no_entry(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    def refuse(*words: object, **options: object) -> None:
        raise redis.ConnectionError(f"{word}: no entry is given")

    fill(client, BAD, [100])
    reader = RegionStreams(client, 500)
    for command in ("xread", "xrange", "xlen"):
        monkeypatch.setattr(reader.client, command, refuse)
    for _ in range(10):
        with pytest.raises(redis.ConnectionError):
            reader.read(START, 1)
    assert client.exists(BAD)


def test_s18_ids_of_the_future_are_found_beside_a_stream_that_redis_closes_a_client_for(closing: redis.Redis) -> None:
    fill(closing, BAD, [3 * MB])
    closing.xadd(GOOD, {keys.BODY: b"x"}, id="99999999999999-0")
    assert delete_future_streams(bounded(closing, 4 * MB), [BAD, GOOD]) == [GOOD]


def test_s18_latest_results_that_redis_closes_a_client_for_are_none_and_the_others_are_read(
    closing: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "region_client", lambda: closing)
    names = [str(number) for number in range(20)]
    closing.hset(keys.latest("good"), names[0], "result")
    for name in names:
        closing.hset(keys.latest("bad"), name, "x" * 300_000)
    good, bad = results._latest([("good", names[:1]), ("bad", names)])
    assert good == [b"result"] and bad == [None] * 20


def test_latest_results_are_shown_whose_reader_was_closed_once_for_another_cause(
    closing: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "region_client", lambda: closing)
    closing.hset(keys.latest("good"), "large", bytes(3 * MB))
    monkeypatch.setattr(closing, "ping", partial(closing.config_set, LIMIT, "normal 0 0 0"))
    assert results._latest([("good", ["large"])]) == [[bytes(3 * MB)]]


def test_s18_a_stream_of_large_entries_is_asked_for_its_ids_alone(client: redis.Redis) -> None:
    fill(client, BAD, [20 * MB])
    client.xadd(GOOD, {keys.BODY: b"x"}, id="99999999999999-0")
    reader = RegionStreams(client, 500)
    assert delete_future_streams(reader.client, [BAD, GOOD]) == [GOOD]


@pytest.mark.django_db
def test_s18_the_latest_results_of_a_region_that_writes_too_much_are_none(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vigil.monitors.live import results as latest

    latest.region_client.cache_clear()
    monkeypatch.setattr(latest, "redis_client", lambda: client)
    monkeypatch.setattr(latest, "REPLY_BYTES_MOST", 4 * MB)
    now_ms = time.time_ns() // MB
    result = wire.Result(1, "mon_a", now_ms, Status.UP, Reason.OK, now_ms, wire.Phases(total_us=1_000))
    client.hset(keys.latest("good"), "mon_a", wire.encode(result))
    client.hset(keys.latest("bad"), "mon_a", b"x" * 20 * MB)
    found = latest.latest_results(["mon_a"], ["bad", "good"])
    latest.region_client.cache_clear()
    assert found.available and list(found.of("mon_a")) == ["good"]
