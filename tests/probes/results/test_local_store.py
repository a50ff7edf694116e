"""What a region keeps on its disk, through restarts, full disks and foreign files."""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from probes import wire
from probes.reasons import Reason, Status
from probes.results.local_store import LocalStore, StoreUnavailable
from probes.results.unconfirmed import Sent
from probes.wire import Check, Fact, Phases, Result

CHECKOUT = Path(__file__).resolve().parents[3]


def entry(number: int, status: Status = Status.UP, results: int = 2) -> tuple[bytes, int]:
    reason = Reason.OK if status is Status.UP else Reason.REFUSED
    batch = [Result(1, f"mon_{place}", number, status, reason, number, Phases()) for place in range(results)]
    return wire.encode(batch), results


def slot_of(payload: bytes) -> int:
    return wire.decode_results(payload)[0].at_ms


def order(monitor: str, at_ms: int = 60_000) -> Check:
    return Check(1, monitor, "http", at_ms, at_ms + 30_000, 10_000, msgspec.Raw(b"\x80"), b"sealed", every_ms=60_000)


def drained(store: LocalStore) -> list[int]:
    slots = []
    while kept := store.newest_unsent(3):
        slots += [slot_of(one.payload) for one in kept]
        store.forget([one.seq for one in kept])
    return slots


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.sqlite"


def test_what_is_kept_comes_back_newest_first_also_after_a_restart(path: Path) -> None:
    store = LocalStore(path)
    store.keep([entry(1), entry(2)])
    store.keep([entry(3)])
    assert store.unsent == 6
    store.close()
    again = LocalStore(path)
    assert again.unsent == 6
    assert drained(again) == [3, 2, 1]
    assert again.unsent == 0
    again.close()


def test_it_is_for_its_owner_alone(path: Path) -> None:
    LocalStore(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_redis_has_waits_until_it_is_stored_and_is_sent_again_when_it_is_lost(path: Path) -> None:
    store = LocalStore(path)
    store.keep_sent(Sent((at_ms, 0), *entry(at_ms)) for at_ms in (10, 20, 30))
    assert store.unsent == 0 and drained(store) == []
    assert store.sent_span() == ((10, 0), (30, 0))
    store.stored((20, 0))
    assert store.sent_span() == ((30, 0), (30, 0))
    store.lost()
    assert store.sent_span() is None
    assert store.unsent == 2
    assert drained(store) == [30]


def test_orders_are_remembered_with_when_somebody_was_last_heard(path: Path) -> None:
    store = LocalStore(path)
    store.remember([order("mon_a"), order("mon_b")], [], set(), heard_ms=5, offset_ms=-3)
    store.remember([order("mon_a", 65_000)], ["mon_b"], set(), heard_ms=7, offset_ms=2)
    store.close()
    remembered = LocalStore(path).remembered()
    assert remembered.orders == [order("mon_a", 65_000)]
    assert (remembered.heard_ms, remembered.offset_ms) == (7, 2)


def test_orders_that_stand_no_more_are_gone_for_good(path: Path) -> None:
    store = LocalStore(path)
    store.remember([order("mon_a")], [], {"mon_a"}, heard_ms=5, offset_ms=-3)
    store.forget_orders()
    store.close()
    remembered = LocalStore(path).remembered()
    assert (remembered.orders, remembered.others) == ([], set())


def test_whose_orders_they_are_is_remembered_as_it_was_last(path: Path) -> None:
    store = LocalStore(path)
    store.remember([order("mon_a"), order("mon_b"), order("mon_c")], [], {"mon_a", "mon_b"}, heard_ms=5, offset_ms=0)
    store.remember([], [], {"mon_b", "mon_c"}, heard_ms=6, offset_ms=0)
    store.close()
    assert LocalStore(path).remembered().others == {"mon_b", "mon_c"}


def test_of_too_much_what_passed_goes_first_and_the_oldest_first(path: Path) -> None:
    size = 40_000
    store = LocalStore(path, most_bytes=size)
    store.keep([entry(number, Status.DOWN if number % 10 == 0 else Status.UP, 200) for number in range(100)])
    assert store.dropped > 0
    slots = drained(store)
    assert [slot for slot in range(0, 50, 10) if slot not in slots] == [], "an outage was dropped before what passed"
    assert slots[:3] == [99, 98, 97]
    assert len(slots) * 200 + store.dropped == 100 * 200
    store.keep([(os.urandom(size // 4), 1) for _ in range(100)])
    assert store.unsent <= 4


def test_those_that_are_named_are_left_out(path: Path) -> None:
    store = LocalStore(path)
    store.keep([entry(number) for number in (1, 2, 3)])
    (newest,) = store.newest_unsent()
    assert [slot_of(one.payload) for one in store.newest_unsent(5, {newest.seq})] == [2, 1]


def test_room_is_made_in_bounded_steps_also_where_nothing_passed(path: Path) -> None:
    store = LocalStore(path, most_bytes=200_000)
    store.keep([(wire.encode([failure(number)]), 1) for number in range(100)])
    begun = store.dropped
    for number in range(100, 130):
        store.keep([(wire.encode([failure(number)]), 1)])
    assert store.dropped > begun
    assert store.unsent + store.dropped == 130
    assert slot_of(store.newest_unsent()[0].payload) == 129


def failure(number: int) -> Result:
    noise = base64.b85encode(os.urandom(4_000)).decode()
    facts: dict[str, Fact] = {str(start): noise[start : start + 1_000] for start in range(0, len(noise), 1_000)}
    return Result(1, "mon_a", number, Status.DOWN, Reason.REFUSED, number, Phases(), facts=facts)


def test_a_file_that_is_no_store_is_put_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else altogether, and quite long enough to be read as a page" * 20)
    store = LocalStore(path)
    store.keep([entry(1)])
    assert store.on_disk and store.unsent == 2
    assert path.with_name("store.sqlite.broken").read_bytes().startswith(b"something else")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_damaged_in_the_middle_is_put_aside_when_that_is_found(path: Path) -> None:
    store = LocalStore(path)
    store.keep([(os.urandom(3_000), 1) for _ in range(300)])
    store.close()
    content = bytearray(path.read_bytes())
    content[40_000 : len(content) - 4_096] = os.urandom(len(content) - 4_096 - 40_000)
    path.write_bytes(content)
    store = LocalStore(path)
    for _ in range(3):
        with contextlib.suppress(StoreUnavailable):
            while kept := store.newest_unsent():
                store.forget([kept[0].seq])
            store.stored((5, 5))
            store.keep([entry(7)])
    store.keep([entry(9)])
    assert store.on_disk and drained(store)[0] == 9


def test_an_entry_that_cannot_be_read_is_dropped_and_counted(path: Path) -> None:
    store = LocalStore(path)
    store.keep([entry(1), entry(2), entry(3)])
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE results SET payload = x'00ff' WHERE seq = 3")
    db.close()
    store = LocalStore(path)
    assert drained(store) == [2, 1]
    assert store.dropped == 2


def test_what_the_disk_refuses_stays_with_whoever_asked(path: Path) -> None:
    store = LocalStore(path)
    store.keep([entry(1)])
    with pytest.raises(StoreUnavailable, match="too large"):
        store.keep_sent([Sent((2**63, 0), *entry(2))])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    taken = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        with pytest.raises(StoreUnavailable):
            store.keep([(os.urandom(100_000), 1) for _ in range(10)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, taken)
    assert store.unsent == 2
    store.keep([entry(3)])
    assert drained(store) == [3, 1]


def test_a_second_worker_with_the_same_file_waits_for_it_and_then_keeps_its_own_in_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.results.local_store_file._LOCKED_MOST_S", 0.5)
    first, second = LocalStore(path), LocalStore(path)
    assert (first.on_disk, second.on_disk) == (True, False)
    first.keep([entry(1)])
    second.keep([entry(2)])
    assert drained(first) == [1]
    monkeypatch.undo()
    threading.Timer(0.5, first.close).start()
    assert LocalStore(path).on_disk


def test_where_no_file_can_be_the_memory_has_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = LocalStore(tmp_path / "file" / "store.sqlite")
    assert not store.on_disk
    store.keep([entry(1)])
    assert drained(store) == [1]


_KEEP_UNTIL_KILLED = """
import sys
from pathlib import Path
from probes.results.local_store import LocalStore
from tests.probes.results.test_local_store import entry
store = LocalStore(Path(sys.argv[1]))
for number in range(1, 10**9):
    store.keep([entry(number)])
    print(number, flush=True)
"""


def test_killed_at_any_line_it_has_what_it_said_it_has(path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(
        [sys.executable, "-c", _KEEP_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE, env=env, text=True
    )
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    kept = drained(LocalStore(path))
    assert kept[-1] == 1 and len(kept) in (len(said), len(said) + 1)
