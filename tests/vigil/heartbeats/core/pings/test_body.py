"""Addresses, bodies, keywords, facts and budgets: what a call says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.heartbeats.core.budget import Breach, RunBudget, breaches, looping
from vigil.heartbeats.core.pings.address import PingCall, read_target
from vigil.heartbeats.core.pings.body import UNREAD, UNREADABLE, Facts, Keywords, read_facts, understood
from vigil.heartbeats.core.pings.wire import PING_VERSION, Address, LogEntry, Ping, PingKind, decode, encode
from vigil.heartbeats.core.pings.word_search import WordSearch, heard_behind
from vigil.heartbeats.core.rate_limit import Rates
from vigil.heartbeats.receiving.receiver import ping_id

CODE = "0f3c8f4e-5a54-4d3e-9d0e-0d3f9a1b2c3d"
KEY = "abcdefghjkmnpqrstvwxyz"


@pytest.mark.parametrize(
    ("target", "call"),
    [
        (f"/ping/{CODE}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/{CODE}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/ping//{CODE}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"https://vigil.example/ping/{CODE}/1", PingCall(Address(CODE), PingKind.FAIL, 1)),
        (f"/ping/{CODE}/start?rid=run-1", PingCall(Address(CODE), PingKind.START, rid="run-1")),
        (f"/ping/{CODE}/fail", PingCall(Address(CODE), PingKind.FAIL)),
        (f"/ping/{CODE}/log", PingCall(Address(CODE), PingKind.LOG)),
        (f"/ping/{CODE}/0", PingCall(Address(CODE), PingKind.SUCCESS, 0)),
        (f"/ping/{CODE}/137", PingCall(Address(CODE), PingKind.FAIL, 137)),
        (f"/ping/{KEY}/nightly-batch", PingCall(Address("", KEY, "nightly-batch"), PingKind.SUCCESS)),
        (f"/{KEY}/nightly/1?create=1", PingCall(Address("", KEY, "nightly", True), PingKind.FAIL, 1)),
        (f"/ping/{CODE}/stop", PingCall(Address(CODE), PingKind.FAIL, word="stop")),
        (f"/ping/{CODE.upper()}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/ping/{CODE.replace('-', '')}/1", PingCall(Address(CODE), PingKind.FAIL, 1)),
        (f"/ping/{KEY}/Nightly", PingCall(Address("", KEY, "nightly"), PingKind.SUCCESS)),
        (f"/ping/{KEY}/-x", None),
        (f"/ping/{KEY[:-1]}/nightly", None),
        (f"/ping/{CODE}?{'a=1&' * 500}", PingCall(Address(CODE), PingKind.SUCCESS)),
        (f"/ping/{CODE}/fail?{'a=1;' * 5000}", PingCall(Address(CODE), PingKind.FAIL)),
        ("/ping/", None),
        ("/", None),
        ("/ping/" + "a" * 1000, None),
    ],
)
def test_an_address_says_whom_and_what(target: str, call: PingCall | None) -> None:
    assert read_target(target) == call


FAILURES = [
    ("/KILL", None, "KILL"), ("/TERM", None, "TERM"), ("/SIGKILL", None, "SIGKILL"), ("/-1", None, "-1"),
    ("/1603", None, "1603"), ("/3221225477", None, "3221225477"), ("/256", None, "256"), ("/1031", None, "1031"),
    ("/0xC0000005", None, "0xC0000005"), ("/-1073741819", None, "-1073741819"), ("/1.5", None, "1.5"),
    ("/core-dump", None, "core-dump"), ("/oom-kill", None, "oom-kill"), ("/FAIL", None, ""), ("/fail/", None, ""),
    ("/1/", 1, ""), ("//1", 1, ""), ("/%31", 1, ""), ("/%4BILL", None, "KILL"), ("/exit code 3", None, "exit code 3"),
    ("/", None, "an empty value"), ("/?rid=a", None, "an empty value"), ("/%20", None, "an empty value"),
    ("?exit=1", 1, ""), ("?exit=", None, "an empty value"), ("?exit_code=3221225477", None, "3221225477"),
    ("?rc=KILL", None, "KILL"), ("/0?exit=1", 1, ""), ("/success?exit=1", 1, ""), ("?status=failed", None, "failed"),
    ("?status=down&msg=x", None, "down"), ("?fail", None, ""), ("?failed=true", None, ""),
    ("?result=exit-code", None, "exit-code"), ("?result=oom-kill", None, "oom-kill"), ("?error=disk+full", None, ""),
    ("?result=core-dump", None, "core-dump"), ("?status=Cancelled", None, "Cancelled"), ("?error", None, ""),
    ("?status=timed_out", None, "timed_out"), ("?reason=x&status=OOMKilled", None, "OOMKilled"),
    ("?conclusion=failure", None, "failure"), ("?success=", None, "success: false"), ("?ok=0", None, "ok: false"),
    ("?success=false", None, "success: false"), ("/" + "x" * 900, None, "x" * 64),
]  # fmt: skip


@pytest.mark.parametrize(("says", "code", "word"), FAILURES, ids=[row[0] for row in FAILURES])
def test_b2_01_whatever_is_not_0_is_a_failure_with_its_own_word(says: str, code: int | None, word: str) -> None:
    call = read_target(f"/ping/{CODE}{says}")
    assert call is not None
    assert (call.address.code, call.kind, call.exit_code, call.word) == (CODE, PingKind.FAIL, code, word)


@pytest.mark.parametrize(
    "says",
    [
        "",
        "/0",
        "/00",
        "/-0",
        "/0x0",
        "/0.0",
        "/SUCCESS",
        "/success/",
        "?exit=0",
        "?status=up&msg=OK&ping=",
        "?fail=0",
        "?error=",
        "?error=none",
        "?result=success",
        "?conclusion=success",
        "?ok=1",
        "?success",
    ],
)
def test_b2_01_what_says_that_all_is_well_is_a_success(says: str) -> None:
    call = read_target(f"/ping/{CODE}{says}")
    assert call is not None and call.kind is PingKind.SUCCESS


@pytest.mark.parametrize("says", ["/start", "/START/", "/Start?exit=1"])
def test_b2_19_a_start_stays_one(says: str) -> None:
    call = read_target(f"/ping/{CODE}{says}")
    assert call is not None and call.kind is PingKind.START


def test_f27_an_odd_run_id_is_replaced_and_each_by_another() -> None:
    odd = ("<script>", "x" * 65, "x" * 66, "manual__2026-11-29T00:00:00+00:00", "a b", "\0", "ü")
    calls = [read_target(f"/ping/{CODE}/fail?rid={rid}") for rid in odd]
    rids = [call.rid for call in calls if call is not None and call.kind is PingKind.FAIL]
    assert len(set(rids)) == len(odd)
    assert all(0 < len(rid) <= 64 for rid in rids)
    assert calls == [read_target(f"/ping/{CODE}/fail?rid={rid}") for rid in odd]


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
        # B2-19: a word for failure wins over exit code 0; no other does.
        (ping("ERROR", exit_code=0), WORDS, PingKind.FAIL),
        (ping("WARNING: collation", exit_code=0), Keywords(fail=("WARNING",)), PingKind.FAIL),
        (ping("WARNING: collation", kind=PingKind.START), Keywords(fail=("WARNING",)), PingKind.START),
        (ping("hello", exit_code=0), WORDS, PingKind.SUCCESS),
        (ping("begin", exit_code=0), WORDS, PingKind.SUCCESS),
        # In whatever form the words come.
        (ping("ERROR".encode("utf-16")), WORDS, PingKind.FAIL),
        (ping("an ERROR".encode("utf-16-le")), WORDS, PingKind.FAIL),
        (ping("Überlauf".encode("cp1252")), Keywords(fail=("Überlauf",)), PingKind.FAIL),
        (ping("msg=disk+full%21"), Keywords(fail=("disk full!",)), PingKind.FAIL),
        (ping('{"msg": "\\u00dcberlauf"}'), Keywords(fail=("Überlauf",)), PingKind.FAIL),
        # Codes and states in a body.
        (ping('{"exit_code": 1}'), Keywords(), PingKind.FAIL),
        (ping('{"exit_code": 0, "items": 3}'), Keywords(), PingKind.SUCCESS),
        (ping('{"exit_code": -9}', exit_code=0), Keywords(), PingKind.FAIL),
        (ping('{"status": "FAILED"}'), Keywords(), PingKind.FAIL),
        (ping('{"status": "finished"}'), Keywords(), PingKind.SUCCESS),
        (ping('{"success": false}'), Keywords(), PingKind.FAIL),
        (ping('{"success": 0}'), Keywords(), PingKind.FAIL),
        (ping('{"success": null, "result": "success"}'), Keywords(), PingKind.SUCCESS),
        (ping('{"conclusion": "timed_out"}'), Keywords(), PingKind.FAIL),
        (ping('{"ok": true, "failed": 0}'), Keywords(), PingKind.SUCCESS),
        (ping('{"error": "Überlauf"}'.encode("cp1252")), Keywords(), PingKind.FAIL),
        (ping('{"error": "x", "pad": "' + "x" * 50_000 + '"}'), Keywords(), PingKind.FAIL),
        (ping("exit=1"), Keywords(), PingKind.FAIL),
        (ping("rows=3&status=failed"), Keywords(), PingKind.FAIL),
        (ping("exit=0&rows=3"), Keywords(), PingKind.SUCCESS),
        (ping("the variable exit=1 is in a sentence"), Keywords(), PingKind.SUCCESS),
        (ping('{"exit_code": 1}', kind=PingKind.START), Keywords(), PingKind.START),
        (ping("ERROR"), Keywords(), PingKind.SUCCESS),
        (ping(b"\xff\xfe ERROR"), WORDS, PingKind.FAIL),
        (ping('{"error": "rate limited"}'), Keywords(), PingKind.FAIL),
        (ping('{"error": null, "items": 3}'), Keywords(), PingKind.SUCCESS),
        (ping('{"error": ""}'), Keywords(), PingKind.SUCCESS),
    ],
)
def test_b2_19_a_body_says_what_a_ping_means(sent: Ping, keywords: Keywords, meant: PingKind) -> None:
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
        (b'{"error": "kein Platz f\xfcr die Datei"}', "kein Platz für die Datei"),
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


@given(st.lists(st.binary(max_size=20), max_size=8), st.lists(st.binary(min_size=1, max_size=6), max_size=3))
def test_words_are_found_wherever_a_body_is_cut(pieces: list[bytes], words: list[bytes]) -> None:
    search = WordSearch(words)
    for piece in pieces:
        search.feed(piece)
    whole = b"".join(pieces)
    assert sorted(search._found) == sorted(word for word in words if word in whole)


def test_words_behind_the_cut_count() -> None:
    said = msgspec.structs.replace(ping("all well"), heard=b"ERROR")
    assert understood(said, WORDS)[0].kind is PingKind.FAIL
    assert heard_behind(b"abc ERR" + b"OR", 7, (b"ERROR", b"abc")) == b"ERROR"
