"""Assertions: what holds, what does not, what a failure gives, and what is refused at save."""

from __future__ import annotations

from typing import Any

import pytest

from probes.assertions.answer import AnswerView
from probes.prober import AssertionOutcome, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import NOW_S, looked
from tests.probes.loopback import answering, serving

from probes.assertions.kinds import judge, worst  # isort: skip
from probes.net.tls.options import Certificate  # isort: skip

MODELS = b'{"object":"list","data":[{"id":"gpt-a","ready":true,"n":1},{"id":"gpt-b","ready":true,"n":2}],"next":null}'


def outcome(assertion: dict[str, Any], **answer: Any) -> AssertionOutcome:
    spec = parse_spec("http", {"url": "http://example.com/", "assertions": [assertion]})
    seen = AnswerView(**{"total_us": 150_000, "now_s": NOW_S, "code": 200, "body": MODELS, **answer})
    return judge(spec.assertions, seen)[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"exists": True, "path": "$.data[0]"}, True),
        ({"exists": True, "path": "$.data[7]"}, False),
        ({"absent": True, "path": "$.error"}, True),
        ({"absent": True, "path": "$.data"}, False),
        ({"equals": "list", "path": "$.object"}, True),
        ({"equals": None, "path": "$.next"}, True),
        ({"equals": 1, "path": "$.data[0].n"}, True),
        # One value is meant; JSON's true is not 1.
        ({"equals": "gpt-a", "path": "$.data[*].id"}, False),
        ({"equals": 1, "path": "$.data[0].ready"}, False),
        ({"contains": "gpt-b", "path": "$.data[*].id"}, True),
        # A model is not another one whose name begins like it.
        ({"contains": "gpt", "path": "$.data[*].id"}, False),
        ({"all_equal": True, "path": "$.data[*].ready"}, True),
        ({"all_equal": 1, "path": "$.data[*].n"}, False),
        ({"all_equal": True, "path": "$.nothing[*]"}, False),
        ({"count_min": 2, "path": "$.data[*]"}, True),
        ({"count_min": 3, "path": "$.data[*]"}, False),
        ({"count_max": 1, "path": "$.data[*]"}, False),
        ({"count_min": 2, "count_max": 2, "path": "$.data[*]"}, True),
        ({"at_least": 1, "path": "$.data[0].n"}, True),
        ({"at_least": 1.5, "path": "$.data[0].n"}, False),
        ({"at_least": 1, "at_most": 2, "path": "$.data[1].n"}, True),
        ({"at_most": 1, "path": "$.data[1].n"}, False),
        # Neither a text, nor true, nor several numbers are a number.
        ({"at_least": 0, "path": "$.object"}, False),
        ({"at_least": 0, "path": "$.data[0].ready"}, False),
        ({"at_least": 0, "path": "$.data[*].n"}, False),
        ({"at_least": 0, "path": "$.nothing"}, False),
        ({"exists": True, "path": "$.data[?@.id == 'gpt-a' && @.n < 2]"}, True),
        ({"exists": True, "path": "$.data[?match(@.id, 'gpt-[a-b]')]"}, True),
        ({"exists": True, "path": "$.data[?search(@.id, 'b$')]"}, True),
        ({"exists": True, "path": "$..id"}, True),
    ],
)
def test_a_json_path_holds_or_not(assertion: dict[str, Any], holds: bool) -> None:
    assert outcome({"type": "jsonpath", **assertion}).passed is holds


def test_a_failed_json_path_says_what_it_found_instead() -> None:
    seen = outcome({"type": "jsonpath", "path": "$.data[*].id", "contains": "gpt-c", "reason": "model_missing"})
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.MODEL_MISSING)
    assert seen.detail == 'expected $.data[*].id to contain "gpt-c"; found "gpt-a", "gpt-b"'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "cannot be read as JSON: it is not JSON"),
        (b"", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"\xff\xfe", "cannot be read as JSON"),
        (b"5", "nothing there"),
        (b'"text"', "nothing there"),
    ],
)
def test_a_body_that_is_no_json_document_fails_and_says_so(body: bytes, words: str) -> None:
    seen = outcome({"type": "jsonpath", "path": "$.a", "exists": True}, body=body)
    assert (seen.passed, seen.reason) == (False, Reason.VALUE_MISMATCH)
    assert words in seen.found


def test_a_path_that_would_visit_too_much_stops() -> None:
    body = b"[" + b",".join(b"[1,2,3,4,5,6,7,8,9]" for _ in range(6000)) + b"]"
    seen = outcome({"type": "jsonpath", "path": "$..[?count(@..*) > 1]", "exists": True}, body=body)
    assert (seen.passed, seen.reason, seen.found) == (False, Reason.TOO_LARGE, "a document too large for this path")


@pytest.mark.parametrize(
    ("assertion", "headers", "holds"),
    [
        ({"name": "X-Ready"}, [("x-ready", "")], True),
        ({"name": "X-Ready"}, [], False),
        ({"name": "X-Ready", "absent": True}, [], True),
        ({"name": "Server", "absent": True}, [("server", "x")], False),
        ({"name": "Server", "equals": "nginx"}, [("server", "nginx")], True),
        ({"name": "Server", "equals": "nginx"}, [("server", "nginx/1")], False),
        ({"name": "Server", "contains": "inx"}, [("server", "apache"), ("server", "nginx/1")], True),
        ({"name": "Server", "matches": "^nginx/[0-9]+$"}, [("server", "nginx/1")], True),
        ({"name": "Server", "matches": "^[0-9]+$"}, [("server", "nginx/1")], False),
    ],
)
def test_a_header_holds_or_not(assertion: dict[str, Any], headers: list[tuple[str, str]], holds: bool) -> None:
    seen = outcome({"type": "header", **assertion}, headers=headers)
    assert (seen.passed, seen.reason) == (holds, Reason.OK if holds else Reason.HEADER_MISMATCH)


@pytest.mark.parametrize(
    ("assertion", "answer", "status", "reason"),
    [
        ({"type": "status", "expected": ["200-299"]}, {}, Status.UP, Reason.OK),
        ({"type": "status", "expected": ["204"]}, {}, Status.DOWN, Reason.UNEXPECTED_STATUS),
        ({"type": "body_contains", "text": "gpt-a"}, {}, Status.UP, Reason.OK),
        ({"type": "body_contains", "text": "gpt-a", "absent": True}, {}, Status.DOWN, Reason.BODY_MISMATCH),
        ({"type": "regex", "pattern": "gpt-[ab]"}, {}, Status.UP, Reason.OK),
        ({"type": "regex", "pattern": "(?i)ERROR"}, {}, Status.DOWN, Reason.BODY_MISMATCH),
        ({"type": "regex", "pattern": "gpt", "absent": True, "gives": "degraded", "reason": "loading"}, {},
         Status.DEGRADED, Reason.LOADING),
        ({"type": "regex", "pattern": "é+"}, {"body": "café".encode()}, Status.UP, Reason.OK),
        ({"type": "body_size", "min_bytes": 1}, {"body": b""}, Status.DOWN, Reason.BODY_MISMATCH),
        ({"type": "body_size", "max_bytes": 10}, {}, Status.DOWN, Reason.BODY_MISMATCH),
        ({"type": "body_size", "min_bytes": 5, "max_bytes": 999}, {}, Status.UP, Reason.OK),
        # What was cut is longer than what was read.
        ({"type": "body_size", "max_bytes": 999}, {"truncated": True}, Status.DEGRADED, Reason.TOO_LARGE),
        ({"type": "latency", "degraded_ms": 100, "down_ms": 200}, {}, Status.DEGRADED, Reason.SLOW),
        ({"type": "latency", "degraded_ms": 100, "down_ms": 150}, {}, Status.DOWN, Reason.SLOW),
        ({"type": "latency", "down_ms": 151}, {}, Status.UP, Reason.OK),
        ({"type": "certificate_days", "degraded_days": 14}, {}, Status.DOWN, Reason.CERTIFICATE_INVALID),
    ],
)  # fmt: skip
def test_what_an_answer_gives(
    assertion: dict[str, Any], answer: dict[str, Any], status: Status, reason: Reason
) -> None:
    seen = outcome(assertion, **answer)
    assert (seen.status, seen.reason) == (status, reason)


@pytest.mark.parametrize(
    ("days", "status"), [(30, Status.UP), (14, Status.UP), (13, Status.DEGRADED), (2, Status.DOWN), (-1, Status.DOWN)]
)
def test_a_certificate_is_held_to_its_days(days: int, status: Status) -> None:
    certificate = Certificate("models", "authority", int(NOW_S) + days * 86_400 + 60)
    seen = outcome({"type": "certificate_days", "degraded_days": 14, "down_days": 3}, certificate=certificate)
    assert seen.status is status
    assert seen.found == f"{days} days"


def test_of_several_failures_the_first_that_is_down_decides() -> None:
    slow = AssertionOutcome(False, "a", "b", Status.DEGRADED, Reason.SLOW)
    first, second = (AssertionOutcome(False, text, "b", Status.DOWN, Reason.BODY_MISMATCH) for text in "cd")
    assert worst([AssertionOutcome(True, "x"), slow, first, second]) is first
    assert worst([slow]) is slow
    assert worst([AssertionOutcome(True, "x")]) is None


def test_a_hopeless_regular_expression_costs_no_time_to_speak_of(on_loop: Any) -> None:
    seen = outcome({"type": "regex", "pattern": "(a+)+$"}, body=b"a" * 60_000 + b"!", total_us=0)
    assert seen.passed is False


@pytest.mark.parametrize(
    ("assertion", "problem"),
    [
        ({"type": "regex", "pattern": "(?=a)"}, "not a pattern that RE2 takes: invalid perl operator: (?="),
        ({"type": "regex", "pattern": "(a{1000}){1000}"}, "not a pattern that RE2 takes: invalid repet"),
        ({"type": "regex", "pattern": "a" * 257}, "a pattern has 1 to 256 characters"),
        ({"type": "regex", "pattern": "\ud800"}, "not a pattern that RE2 takes: not valid Unicode"),
        ({"type": "jsonpath", "path": "data", "exists": True}, "`path`: not a JSONPath of RFC 9535: "),
        ({"type": "jsonpath", "path": "$.a", "exists": True, "equals": 1}, "give one of "),
        ({"type": "jsonpath", "path": "$.a"}, "give one of "),
        ({"type": "jsonpath", "path": "$.a", "count_min": 3, "count_max": 2}, "`count_min` is 0 or more"),
        ({"type": "jsonpath", "path": "$.a", "at_least": 3, "at_most": 2}, "`at_least` is not above"),
        ({"type": "jsonpath", "path": "$.a", "at_least": 3, "equals": 3}, "give one of "),
        ({"type": "jsonpath", "path": "$" + "[0]" * 200, "exists": True}, "`path`: a path has 1 to 512 characters"),
        ({"type": "header", "name": "", "equals": "x"}, "`name` has 1 to 100 characters"),
        ({"type": "header", "name": "A", "equals": "x", "matches": "y"}, "give one of "),
        ({"type": "header", "name": "A", "matches": "("}, "not a pattern that RE2 takes: missing ): ("),
        ({"type": "status", "expected": ["2xx"]}, "`expected`: '2xx' is neither"),
        ({"type": "body_size"}, "set `min_bytes`, `max_bytes` or both"),
        ({"type": "body_size", "min_bytes": 5, "max_bytes": 4}, "`min_bytes` is not above `max_bytes`"),
        ({"type": "certificate_days"}, "set `degraded_days`, `down_days` or both"),
        ({"type": "certificate_days", "degraded_days": 3, "down_days": 3}, "`down_days` is below `degraded_days`"),
        ({"type": "body_contains", "text": "x", "reason": "blocked"}, "`reason` says why a target is not well"),
    ],
)  # fmt: skip
def test_an_assertion_that_cannot_work_is_refused_at_save(assertion: dict[str, Any], problem: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("http", {"url": "http://example.com/", "assertions": [assertion]})
    assert refused.value.field == "assertions[0]"
    assert refused.value.problem.startswith(problem)


@pytest.mark.parametrize(
    "assertion",
    [
        {"type": "vibes"},
        {"type": "regex", "pattern": "a", "gives": "up"},
        {"type": "regex", "pattern": "a", "reason": "bored"},
        {"type": "latency", "down_ms": 5, "gives": "down"},
        {"type": "jsonpath", "path": "$.a", "equals": {"a": 1}},
    ],
)
def test_an_assertion_of_an_unknown_shape_is_refused_too(assertion: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        parse_spec("http", {"url": "http://example.com/", "assertions": [assertion]})


def test_more_assertions_than_anybody_needs_are_refused() -> None:
    many = [{"type": "body_contains", "text": "x"}] * 21
    with pytest.raises(SpecError, match="assertions: at most 20"):
        parse_spec("http", {"url": "http://example.com/", "assertions": many})


def test_every_outcome_is_kept_when_it_is_asked_for_and_none_otherwise(on_loop: Any) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(MODELS) + MODELS
    assertions = [
        {"type": "jsonpath", "path": "$.object", "equals": "list"},
        {"type": "body_contains", "text": "gpt-z", "gives": "degraded"},
    ]

    async def story(explain: bool) -> Any:
        async with serving(answering(answer)) as port:
            config = {"url": f"http://127.0.0.1:{port}/", "assertions": assertions}
            return await looked("http", config, explain=explain)

    explained, plain = on_loop(story(True)), on_loop(story(False))
    assert [each.passed for each in explained.outcomes] == [True, False]
    assert (plain.outcomes, plain.status, plain.reason) == ((), Status.DEGRADED, Reason.BODY_MISMATCH)
    assert plain.detail.startswith("expected a body with 'gpt-z'; found ")


def test_a_secret_that_the_target_repeats_is_in_no_detail_and_no_outcome(on_loop: Any) -> None:
    body = b'{"error": "wrong key sk-planted-1234567890", "cut": "' + b"x" * 40 + b' sk-planted-1234567890"}'
    answer = b"HTTP/1.1 200 OK\r\nX-Echo: sk-planted-1234567890\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def story() -> Any:
        async with serving(answering(answer)) as port:
            assertions = [
                {"type": "jsonpath", "path": "$.error", "equals": "none"},
                {"type": "body_contains", "text": "well"},
                {"type": "header", "name": "X-Echo", "equals": "none"},
            ]
            config = {"url": f"http://127.0.0.1:{port}/", "assertions": assertions}
            return await looked("http", config, {"bearer": "sk-planted-1234567890"}, explain=True)

    seen = on_loop(story())
    assert "sk-plan" not in repr(seen)
    assert "***" in seen.detail
