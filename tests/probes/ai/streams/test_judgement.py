"""Judgement of a streamed answer, its timing, and its price."""

from __future__ import annotations

from typing import Any

import pytest

from probes.ai.prices import AS_OF, Price, asked_tokens, cost_nanos, dollars, known_price, monthly_nanos, most_nanos
from probes.ai.streams import FORMS
from probes.ai.streams.answer import StreamedAnswer
from probes.ai.streams.facts import stream_facts
from probes.ai.streams.judgement import AnswerFault, Expectation, first_failure, judge
from probes.ai.streams.reader import StreamReader
from probes.ai.streams.timing import percentile, timing_of
from probes.reasons import Reason

CALM = timing_of(StreamReader(FORMS["openai_chat"]), 0.0, None, 1.0)


def answer(text: str = "ready", finish: str = "stop", model: str = "gpt-x-2026-01-02", **delta: Any) -> StreamedAnswer:
    said = StreamedAnswer()
    choice = {"delta": {"content": text, **delta}, "finish_reason": finish}
    FORMS["openai_chat"].read("", {"model": model, "choices": [choice]}, said)
    return said


def call(name: str, arguments: str) -> list[dict[str, object]]:
    return [{"index": 0, "function": {"name": name, "arguments": arguments}}]


def found(said: StreamedAnswer, **expected: Any) -> AnswerFault | None:
    failed = first_failure(judge(said, CALM, False, Expectation(model="gpt-x", **expected)))
    return failed.fault if failed else None


@pytest.mark.parametrize(
    ("said", "expected", "finding"),
    [
        (answer(), {}, None),
        (answer(), {"text": "READY"}, None),
        (answer(), {"text": "steady"}, AnswerFault.TEXT_MISSING),
        (answer('{"a": 1}'), {"json": True}, None),
        (answer('{"a": 1'), {"json": True}, AnswerFault.INVALID_JSON),
        (answer('```json\n{"a": 1}\n```'), {"json": True}, AnswerFault.INVALID_JSON),
        (answer("four"), {"length_least": 4, "length_most": 4}, None),
        (answer("four"), {"length_least": 5}, AnswerFault.LENGTH),
        (answer("four"), {"length_most": 3}, AnswerFault.LENGTH),
        (answer(""), {}, AnswerFault.EMPTY),
        (answer("", finish="length"), {}, AnswerFault.EMPTY),
        (answer("", refusal="I will not"), {}, AnswerFault.REFUSED),
        (answer("", refusal="I will not"), {"may_refuse": True}, None),
        (answer("I\N{RIGHT SINGLE QUOTATION MARK}m sorry, but I can't."), {}, AnswerFault.REFUSED),
        (answer("They say: I can't."), {}, None),
        (answer("x", finish="content_filter"), {}, AnswerFault.REFUSED),
        (answer(model="gpt-y"), {}, AnswerFault.OTHER_MODEL),
        (answer(model="gpt-y"), {"same_model": False}, None),
        (answer(model=""), {}, None),
        (answer("", tool_calls=call("weather", '{"city": "Paris"}')), {"tool": "weather"}, None),
        (answer("", tool_calls=call("weather", "")), {"tool": "weather"}, None),
        (answer("", tool_calls=call("weather", '{"n": 1}')), {"tool": "weather", "arguments": {"n": 1}}, None),
        (
            answer("", tool_calls=call("weather", '{"n": 2}')),
            {"tool": "weather", "arguments": {"n": 1}},
            AnswerFault.WRONG_TOOL_CALL,
        ),
        (answer("", tool_calls=call("weather", '{"n": 1.0}')), {"tool": "weather", "arguments": {"n": 1}}, None),
        *(
            (
                answer("", tool_calls=call("weather", given)),
                {"tool": "weather", "arguments": {"n": 1, "of": [{"a": 0}]}},
                AnswerFault.WRONG_TOOL_CALL,
            )
            for given in ('{"n": true, "of": [{"a": 0}]}', '{"n": 1, "of": [{"a": false}]}', '{"n": 1}')
        ),
        (answer("", tool_calls=call("weather", '{"n"')), {"tool": "weather"}, AnswerFault.WRONG_TOOL_CALL),
        (answer("", tool_calls=call("time", "{}")), {"tool": "weather"}, AnswerFault.WRONG_TOOL_CALL),
        (answer("It is sunny"), {"tool": "weather"}, AnswerFault.WRONG_TOOL_CALL),
        (
            answer("", tool_calls=[*call("weather", "{}"), {"index": 1, "function": {"name": "weather"}}]),
            {"tool": "weather"},
            AnswerFault.WRONG_TOOL_CALL,
        ),
    ],
)
def test_an_answer_is_what_was_asked_for(
    said: StreamedAnswer, expected: dict[str, Any], finding: AnswerFault | None
) -> None:
    assert found(said, **expected) is finding


def test_an_argument_that_is_null_is_named_where_none_was_asked_for() -> None:
    said = answer("", tool_calls=call("weather", '{"n": null}'))
    [*_, judged] = [
        one for one in judge(said, CALM, False, Expectation("m", tool="weather", arguments={})) if one.fault
    ]
    assert judged.found == "other values of 'n'"


def test_an_error_in_the_stream_says_by_its_words_what_it_is() -> None:
    said = StreamedAnswer()
    FORMS["anthropic"].read("error", {"type": "error", "error": {"type": "overloaded_error"}}, said)
    [judged] = judge(said, CALM, True, Expectation("m"))
    assert (judged.fault, judged.reason) == (AnswerFault.ERROR_IN_STREAM, Reason.OVERLOADED)


def test_a_cut_stream_is_judged_by_nothing_else() -> None:
    [judged] = judge(answer("half", finish=""), CALM, True, Expectation("m", text="whole"))
    assert judged.fault is AnswerFault.CUT


def timed(*times_s: float, ended_s: float, tokens: int | None = None) -> StreamReader:
    reader = StreamReader(FORMS["openai_chat"])
    for at_s in times_s:
        reader.feed(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n', at_s)
    if tokens is not None:
        reader.feed(b'data: {"choices": [], "usage": {"completion_tokens": %d}}\n\n' % tokens, ended_s)
    return reader


def test_the_times_are_those_since_the_request_was_sent() -> None:
    timing = timing_of(timed(10.4, 10.5, 10.6, 12.6, ended_s=12.7, tokens=23), 10.0, 10.3, 12.7)
    assert [round(each or 0, 3) for each in (timing.headers_s, timing.first_token_s, timing.gap_p95_s)] == [
        0.3,
        0.4,
        2.0,
    ]
    assert round(timing.longest_stall_s or 0, 3) == 2.0
    assert round(timing.tokens_per_s or 0, 3) == 10.0
    assert not timing.buffered


def test_the_wait_for_the_end_is_a_stall_too() -> None:
    assert timing_of(timed(1.0, 1.1, ended_s=9.0), 0.5, 0.6, 9.0).longest_stall_s == pytest.approx(7.9)


def test_what_comes_all_at_once_and_late_was_held_back() -> None:
    assert timing_of(timed(3.0, 3.001, 3.002, ended_s=3.1), 0.0, 2.9, 3.1).buffered
    assert not timing_of(timed(0.1, 0.101, 0.102, ended_s=0.2), 0.0, 0.05, 0.2).buffered


@pytest.mark.parametrize(
    ("limits", "finding"),
    [
        ({}, None),
        ({"first_token_most_s": 0.5}, None),
        ({"first_token_most_s": 0.3}, AnswerFault.SLOW_FIRST_TOKEN),
        ({"stall_most_s": 1.9}, AnswerFault.STALLED),
        ({"gap_p95_most_s": 1.9}, AnswerFault.SLOW_GAPS),
        ({"tokens_per_s_least": 9.0}, None),
        ({"tokens_per_s_least": 11.0}, AnswerFault.SLOW_TOKENS),
    ],
)
def test_a_slow_answer_is_told_by_what_is_slow(limits: dict[str, Any], finding: AnswerFault | None) -> None:
    timing = timing_of(timed(10.4, 10.5, 10.6, 12.6, ended_s=12.7, tokens=23), 10.0, 10.3, 12.7)
    failed = first_failure(judge(answer(), timing, False, Expectation("gpt-x", **limits)))
    assert (failed.fault if failed else None) is finding


def test_facts_leave_out_what_is_not_known() -> None:
    facts = stream_facts(StreamedAnswer(), CALM)
    assert facts == {"stream_ms": 1000, "token_events": 0, "characters": 0}


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([], 0.95) is None
    assert percentile([5.0], 0.95) == 5.0
    assert percentile([float(each) for each in range(1, 101)], 0.95) == 95.0


@pytest.mark.parametrize(
    ("host", "model", "price"),
    [
        ("api.openai.com", "gpt-5.6-luna", Price(0.2, 1.2, AS_OF)),
        ("API.OPENAI.COM.", "gpt-5.6-luna-2026-07-30", Price(0.2, 1.2, AS_OF)),
        ("api.openai.com", "gpt-5.6-sol", None),
        ("evil-api.openai.com.example", "gpt-5.6-luna", None),
        ("localhost", "llama3.2", None),
    ],
)
def test_a_price_that_is_not_known_is_none_and_never_nothing(host: str, model: str, price: Price | None) -> None:
    assert known_price(host, model) == price


def test_a_month_of_answers_has_the_price_of_its_tokens() -> None:
    # 12 tokens in and 16 out, 96 a day for 30 days, at $0.20 and $1.20: ai-edge's $0.062.
    assert cost_nanos(Price(0.2, 1.2), 12, 16) == 21_600
    assert dollars(21_600 * 96 * 30) == "$0.06"
    tokens = asked_tokens("Reply with the single word: ready", "", 16)
    assert tokens.input <= tokens.input_most
    assert monthly_nanos(Price(0.2, 1.2), tokens, 900) == 2880 * cost_nanos(Price(0.2, 1.2), tokens.input, 16)


def test_the_most_that_an_answer_costs_counts_a_token_for_every_byte() -> None:
    tokens = asked_tokens("\N{GRINNING FACE}" * 10, "", 8)
    assert tokens.input_most >= 40
    assert most_nanos(Price(1.0, 1.0), tokens) == 1000 * (tokens.input_most + 8)


@pytest.mark.parametrize(
    ("nanos", "words"),
    [
        (0, "$0.00"),
        (1_400_000_000, "$1.40"),
        (12_345_000_000_000, "$12,345.00"),
        (2_600_000, "$0.0026"),
        (400, "$0.0000004"),
    ],
)
def test_an_amount_is_written_for_people(nanos: int, words: str) -> None:
    assert dollars(nanos) == words
