"""Addresses, bodies, keywords, facts and budgets: what a call says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.heartbeats.core.address import PingCall, read_target
from vigil.heartbeats.core.body import UNREAD, UNREADABLE, Facts, Keywords, read_facts, understood
from vigil.heartbeats.core.budget import Breach, RunBudget, breaches, looping
from vigil.heartbeats.core.rate_limit import Rates
from vigil.heartbeats.core.wire import PING_VERSION, Address, LogEntry, Ping, PingKind, decode, encode
from vigil.heartbeats.receiving.receiver import ping_id

CODE = "0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"
KEY = "abcdefghjkmnpqrstvwxyz"


@pytest.mark.parametrize(
    ("target", "call"),
    [
        (f"/ping/{CODE}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/{CODE}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/ping/{CODE}/", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/ping/{CODE}/start?rid=run-1", PingCall(Address(CODE), PingKind.START, rid="run-1")),
        (f"/ping/{CODE}/fail", PingCall(Address(CODE), PingKind.FAIL)),
        (f"/ping/{CODE}/log", PingCall(Address(CODE), PingKind.LOG)),
        (f"/ping/{CODE}/0", PingCall(Address(CODE), PingKind.SUCCESS, 0)),
        (f"/ping/{CODE}/137", PingCall(Address(CODE), PingKind.FAIL, 137)),
        (f"/ping/{KEY}/nightly-batch", PingCall(Address("", KEY, "nightly-batch"), PingKind.SUCCESS)),
        (f"/{KEY}/nightly/1?create=1", PingCall(Address("", KEY, "nightly", True), PingKind.FAIL, 1)),
        (f"/ping/{CODE}/256", None),
        (f"/ping/{CODE}/stop", None),
        (f"/ping/{CODE.upper()}", None),
        (f"/ping/{KEY}/Nightly", None),
        (f"/ping/{KEY}/-x", None),
        (f"/ping/{KEY[:-1]}/nightly", None),
        (f"/ping/{CODE}?rid=<script>", None),
        (f"/ping/{CODE}?rid={'x' * 65}", None),
        (f"/ping/{CODE}?{'a=1&' * 50}", None),
        ("/ping/", None),
        ("/", None),
        ("/ping/" + "a" * 1000, None),
    ],
)
def test_an_address_says_whom_and_what(target: str, call: PingCall | None) -> None:
    assert read_target(target) == call


@given(st.text(max_size=200))
def test_no_address_is_read_as_anything_but_a_call_or_none(target: str) -> None:
    read_target(target)


def ping(body: str | bytes = b"", kind: PingKind = PingKind.SUCCESS, exit_code: int | None = None) -> Ping:
    raw = body.encode() if isinstance(body, str) else body
    return Ping(str(uuid4()), 1, Address(CODE), kind, exit_code, body=raw, body_size=len(raw))


WORDS = Keywords(success=("finished",), fail=("ERROR", "Traceback"), start=("begin",), otherwise=PingKind.IGNORED)


@pytest.mark.parametrize(
    ("sent", "keywords", "meant"),
    [
        (ping("all finished"), WORDS, PingKind.SUCCESS),
        (ping("finished with ERROR"), WORDS, PingKind.FAIL),
        (ping("begin"), WORDS, PingKind.START),
        (ping("hello"), WORDS, PingKind.IGNORED),
        (ping("hello"), Keywords(fail=("ERROR",)), PingKind.SUCCESS),
        (ping("hello"), Keywords(success=("finished",), otherwise=PingKind.FAIL), PingKind.FAIL),
        (ping("ERROR", kind=PingKind.LOG), WORDS, PingKind.LOG),
        (ping("ERROR", exit_code=0), WORDS, PingKind.SUCCESS),
        (ping("ERROR"), Keywords(), PingKind.SUCCESS),
        (ping(b"\xff\xfe ERROR"), WORDS, PingKind.FAIL),
        (ping('{"error": "rate limited"}'), Keywords(), PingKind.FAIL),
        (ping('{"error": null, "items": 3}'), Keywords(), PingKind.SUCCESS),
        (ping('{"error": ""}'), Keywords(), PingKind.SUCCESS),
    ],
)
def test_a_body_says_what_a_ping_means(sent: Ping, keywords: Keywords, meant: PingKind) -> None:
    assert understood(sent, keywords)[0].kind is meant


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (
            b'{"items": 120, "tokens": 5e4, "cost": 0.25, "model": "gpt-x", "error": false}',
            Facts(120, 50_000, 0.25, "gpt-x"),
        ),
        (b'{"items": -1, "tokens": "many", "cost": true}', Facts()),
        (b'{"items": NaN, "cost": Infinity}', Facts()),
        (b'{"items": 1e400}', Facts()),
        (b'[{"items": 1}]', Facts()),
        (b'{"items": 1', Facts(unread=UNREAD)),
        (b"plain output", Facts()),
        (b"{" * 10_000, Facts(unread=UNREAD)),
        (b'{"error": {"code": 429}}', Facts(error='{"code": 429}')),
        (b'{"items": 1, "pad": "' + b"x" * 30_000 + b'"}', Facts()),
    ],
)
def test_facts_are_taken_from_a_small_object_and_from_nothing_else(body: bytes, facts: Facts) -> None:
    assert read_facts(body) == facts


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (b'{"items": 3, "tokens": %s, "error": "x"}' % (b"9" * 400), Facts(items=3, error="x")),
        (b'{"items": 3, "tokens": %s, "error": "x"}' % (b"9" * 5_000), Facts(items=3, error="x")),
        (b'{"items": 3, "cost": 1e999, "tokens": -%s}' % (b"9" * 400), Facts(items=3)),
        (b'{"cost": [%s]}' % (b"9" * 400), Facts()),
    ],
)
def test_s4b_a_number_too_long_for_its_column_is_not_told_and_the_rest_is(body: bytes, facts: Facts) -> None:
    assert read_facts(body) == facts


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error": "no \\ud83d quota"}', "no  quota"),
        (b'{"error": "no \xed\xa0\xbd quota"}', "no  quota"),
        (b'{"error": "\\ud83d"}', UNREADABLE),
        (b'{"error": "\\u0000"}', UNREADABLE),
        (b'{"error": "a\\u0000b\\u001bc\\u202ed"}', "a bcd"),
        (b'{"error": "\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"error": ["\\ud83d"]}', '["\\ud83d"]'),
        (b'{"error": %s}' % (b"9" * 400), "Infinity"),
        (b'{"error": " "}', ""),
        (b'{"error": "%s"}' % (b"x" * 5_000), "x" * 300),
    ],
)
def test_s4_an_error_stays_one_whatever_it_is_made_of(body: bytes, error: str) -> None:
    assert read_facts(body).error == error
    assert understood(ping(body), Keywords())[0].kind is (PingKind.FAIL if error else PingKind.SUCCESS)


DEEP = b"[" * 9_000 + b"]" * 9_000


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error": %s}' % DEEP, UNREADABLE),
        (b'{"error": "no quota", "trace": %s}' % DEEP, "no quota"),
        (b'{"trace": %s, "error": "no quota"}' % DEEP, "no quota"),
        (b'{"trace": {"error": "within"}, "more": %s}' % DEEP, ""),
        (b'{"error": "no quota", "log": "' + b"x" * 90_000 + b'"}', "no quota"),
        (b'{"log": "' + b"x" * 90_000 + b'", "error": "no quota"}', "no quota"),
        (b'{"error": "no quota", "log": "cut in the midd', "no quota"),
        (b'{"error": "no quo', "no quo"),
        (b'{"error": "no quota",}', "no quota"),
        (b'{"error": {"code": 429}, }', UNREADABLE),
        (b'{"error": true,}', UNREADABLE),
        (b'{"error": "kein Platz f\xfcr die Datei"}', "kein Platz f\ufffdr die Datei"),
        (b'\xef\xbb\xbf{"error": "no quota"}', "no quota"),
        ('\ufeff{"error": "no quota"}'.encode("utf-16-le"), "no quota"),
        ('{"error": "no quota"}'.encode("utf-16-be"), "no quota"),
        (b'{"error": null, "items": 3,}', ""),
        (b'{"error": false,}', ""),
        (b'{"error": "  ",}', ""),
        (b'{"items": 3, "note": "error", }', ""),
        (b'{"error"', ""),
        (b'{"error":', ""),
        (b'{"error": "\x00",}', UNREADABLE),
        (b'{"note": "\\"error\\": 1",}', ""),
    ],
)
def test_an_object_that_cannot_be_read_loses_no_error(body: bytes, error: str) -> None:
    assert read_facts(body).error == error
    assert understood(ping(body), Keywords())[0].kind is (PingKind.FAIL if error else PingKind.SUCCESS)


@pytest.mark.parametrize(
    "body", [DEEP, b'{"a": %s}' % DEEP, b'{"a": "\xff', b"{" * 60_000, b"\0" * 90_000, b'{"' * 9_000]
)
@pytest.mark.parametrize("exit_code", [None, 3])
def test_a_body_that_cannot_be_read_changes_no_failure_of_the_address(body: bytes, exit_code: int | None) -> None:
    sent = ping(body, PingKind.FAIL, exit_code)
    assert understood(sent, WORDS)[0] is sent


def test_a_success_with_a_body_that_cannot_be_read_stays_one_and_says_so() -> None:
    meant, facts = understood(ping('{"items": 3, '), Keywords())
    assert meant.kind is PingKind.SUCCESS and facts.as_stored() == {"unread": UNREAD}


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    understood(ping(body), WORDS)


LIMITS: dict[str, Any] = {"min_items": 100, "max_tokens": 1_000, "max_cost": 2.5, "max_duration_s": 60, "max_logs": 3}


@pytest.mark.parametrize(
    ("facts", "seconds", "broken"),
    [
        (Facts(100, 1_000, 2.5), 60, []),
        (Facts(99), None, [Breach("min_items", 99, 100)]),
        (Facts(0), None, [Breach("min_items", 0, 100)]),
        (Facts(), None, []),
        (Facts(tokens=1_001), None, [Breach("max_tokens", 1_001, 1_000)]),
        (Facts(cost=2.51), None, [Breach("max_cost", 2.51, 2.5)]),
        (Facts(), 61, [Breach("max_duration_s", 61, 60)]),
        (Facts(1, 2_000), None, [Breach("min_items", 1, 100), Breach("max_tokens", 2_000, 1_000)]),
    ],
)
def test_a_run_is_held_to_its_budget(facts: Facts, seconds: float | None, broken: list[Breach]) -> None:
    duration = timedelta(seconds=seconds) if seconds is not None else None
    assert list(breaches(RunBudget(**LIMITS), facts, duration)) == broken
    assert breaches(RunBudget(), facts, duration) == ()


def test_more_log_messages_than_allowed_are_a_loop() -> None:
    assert looping(RunBudget(**LIMITS), 3) is None
    found = looping(RunBudget(**LIMITS), 4)
    assert found == Breach("max_logs", 4, 3)
    assert found.in_words() == "4 log messages in one run, at most 3 allowed: it may be looping"


@pytest.mark.parametrize(
    ("breach", "words"),
    [
        (Breach("min_items", 0, 100), "0 items, at least 100 expected"),
        (Breach("max_cost", 14.2, 10), "cost 14.2, at most 10 allowed"),
        (Breach("max_tokens", 1_250_000, 1_000_000), "1,250,000 tokens, at most 1,000,000 allowed"),
        (Breach("max_duration_s", 7_500, 3_600), "ran 2 h 5 min, at most 1 h allowed"),
    ],
)
def test_a_breach_is_told_with_its_numbers(breach: Breach, words: str) -> None:
    assert breach.in_words() == words


def test_what_is_written_to_the_log_is_read_again_and_old_entries_stay_readable() -> None:
    entry = LogEntry(PING_VERSION, "here", [ping("out", PingKind.FAIL, 3)], 12)
    assert decode(encode(entry)) == entry
    # As written before anything was appended: id, time and address are all that must be there.
    assert decode(msgspec.msgpack.encode([1, "r", [[CODE, 5, [CODE]]]])).pings == [Ping(CODE, 5, Address(CODE))]


def test_an_address_may_be_called_often_but_not_for_ever() -> None:
    rates = Rates(burst=3, per_s=0.5)
    assert [rates.admit("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    assert rates.admit("b", 0.0) == 0.0
    assert rates.admit("a", 2.0) == 0.0
    assert rates.admit("a", 2.0) == 2.0


def test_only_so_many_addresses_are_remembered() -> None:
    rates = Rates(burst=1, per_s=1, remembered=10)
    for number in range(1_000):
        assert rates.admit(str(number), 0.0) == 0.0
    assert len(rates) == 10


def test_ids_of_pings_are_unique_and_in_the_order_of_their_time() -> None:
    ids = [ping_id(at_us) for at_us in range(1_700_000_000_000_000, 1_700_000_001_000_000, 1_000)]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    assert all(each[14] == "7" and each[19] in "89ab" for each in ids)
