"""Services of one form differ: their errors, their parts of an answer, and their counts."""

from __future__ import annotations

import pytest

from probes.ai.streams import FORMS
from probes.ai.streams.answer import StreamedAnswer
from probes.ai.streams.judgement import AnswerFault, Expectation, judge
from probes.ai.streams.refused_fields import refused_field
from probes.reasons import Reason
from tests.probes.ai.streams.test_judgement import CALM
from tests.probes.ai.streams.test_readers import read


@pytest.mark.parametrize(
    ("form", "came", "reason"),
    [
        # OpenAI's reference has the words beside `type`; what it sends has them below `error`.
        ("openai_responses", '{"type": "error", "code": "rate_limit_exceeded", "message": "m"}', Reason.RATE_LIMITED),
        (
            "openai_responses",
            '{"type": "error", "sequence_number": 2, "error": {"type": "tokens", "code": "rate_limit_exceeded"}}',
            Reason.RATE_LIMITED,
        ),
        (
            "openai_responses",
            '{"type": "error", "error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}',
            Reason.QUOTA,
        ),
        (
            "openai_responses",
            '{"type": "response.failed", "response": {"error": {"code": "server_is_overloaded", "message": "m"}}}',
            Reason.OVERLOADED,
        ),
        # OpenRouter has numbers, LiteLLM numbers as text.
        ("openai_chat", '{"error": {"code": 429, "message": "m"}, "choices": []}', Reason.RATE_LIMITED),
        ("openai_chat", '{"error": {"message": "m", "type": "None", "param": "None", "code": "401"}}', Reason.AUTH),
        ("openai_chat", '{"error": {"code": 502, "message": "m"}}', Reason.HTTP_5XX),
        # vLLM gives a request up so, and goes on to [DONE].
        ("openai_chat", '{"choices": [{"delta": {}, "finish_reason": "abort"}]}\n\ndata: [DONE]', Reason.HTTP_5XX),
        ("openai_chat", '{"object": "error", "message": "m", "code": 400}', Reason.CONFIG),
        # LiteLLM 1.108 calls an error of Ollama in the middle of an answer a bad request.
        (
            "openai_chat",
            '{"choices": [{"delta": {"content": "rea"}}]}\n\ndata: {"error": {"message": "m", "code": "400"}}',
            Reason.HTTP_5XX,
        ),
        ("openai_chat", '{"choices": [], "x_groq": {"id": "r", "error": "over_capacity"}}', Reason.HTTP_5XX),
        ("openai_chat", '{"choices": [{"delta": {}, "finish_reason": "network_error"}]}', Reason.HTTP_5XX),
        ("anthropic", '{"type": "error", "error": {"type": "rate_limit_error"}}', Reason.RATE_LIMITED),
        ("cohere", '{"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "m"}}', Reason.HTTP_5XX),
    ],
)
def test_an_error_in_the_stream_is_read_in_the_words_of_its_service(form: str, came: str, reason: Reason) -> None:
    assert error_in(form, f"data: {came}\n\n") is reason


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        # Groq names the event; a gateway may have plain words in it; llama.cpp had a field of its own.
        ('event: error\ndata: {"error": {"code": "rate_limit_exceeded"}}\n\n', Reason.RATE_LIMITED),
        ('event: error\ndata: {"message": "m", "code": "server_is_overloaded"}\n\n', Reason.OVERLOADED),
        ("event: error\ndata: upstream gone, insufficient balance\n\n", Reason.QUOTA),
        ('error: {"code": 503, "message": "Loading model", "type": "unavailable_error"}\n\n', Reason.LOADING),
        ('error: {"code": 500, "message": "m", "type": "server_error"}\n\ndata: [DONE]\n\n', Reason.HTTP_5XX),
    ],
)
def test_an_error_is_one_in_whatever_frame_it_comes(came: str, reason: Reason) -> None:
    assert error_in("openai_chat", came) is reason


_TEMPERATURE = "the model refuses `temperature`: set it to null"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (
            '{"error": {"message": "Unsupported value: \'temperature\' does not support 0 with this model.",'
            ' "type": "invalid_request_error", "param": "temperature"}}',
            _TEMPERATURE,
        ),
        (
            '{"type": "error", "error": {"type": "invalid_request_error", "message": "`temperature` is deprecated."}}',
            _TEMPERATURE,
        ),
        (
            '{"error": {"message": "litellm.UnsupportedParamsError: gpt-5 models don\'t support temperature=0.0. Only'
            ' temperature=1 is supported.", "code": "400"}}',
            _TEMPERATURE,
        ),
        (
            '{"error": {"message": "Unsupported parameter: \'max_tokens\' is not supported with this model. Use'
            ' \'max_completion_tokens\' instead.", "param": "max_tokens"}}',
            "the model refuses `max_tokens`",
        ),
        (
            '{"error": {"message": "Unsupported value: \'minimal\'", "param": "reasoning.effort"}}',
            "the model refuses `reasoning`: set another `reasoning_effort`",
        ),
        ('{"error": {"message": "Invalid \'top_p\'", "param": "top_p"}}', ""),
        ('{"error": "temperature"}', ""),
        ('{"error": {"message": 7, "param": ["temperature"]}}', ""),
        ("[]", ""),
        ("<html>", ""),
    ],
)
def test_a_field_that_the_model_refuses_is_named(said: str, field: str) -> None:
    assert refused_field(said.encode(), {"model", "max_tokens", "reasoning", "temperature"}) == field
    assert refused_field(said.encode(), {"model"}) == ""


def error_in(form: str, came: str) -> Reason:
    reader = read(form, came.encode())
    [judged] = judge(reader.answer, CALM, reader.is_cut, Expectation("m"))
    assert judged.fault is AnswerFault.ERROR_IN_STREAM
    return judged.reason


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        ([[("f", '{"n"'), ("", ": 1}")]], [("f", '{"n": 1}')]),
        ([[("f", "{}")], [("g", "{}")]], [("f", "{}"), ("g", "{}")]),
        ([[("f", "{}"), ("f", "{}")]], [("f", "{}"), ("f", "{}")]),
    ],
)
def test_calls_of_tools_without_an_index_are_told_apart_by_their_names(
    deltas: list[list[tuple[str, str]]], calls: list[tuple[str, str]]
) -> None:
    answer = StreamedAnswer()
    for pieces in deltas:
        made = [{"index": None, "function": {"name": name, "arguments": arguments}} for name, arguments in pieces]
        FORMS["openai_chat"].read("", {"choices": [{"delta": {"tool_calls": made}}]}, answer)
    assert [(call.name, str(call.arguments)) for call in answer.calls.values()] == calls


def test_thoughts_of_mistral_are_parts_of_the_content() -> None:
    answer = StreamedAnswer()
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True}
    for at_s, content in ((1.0, [thought]), (2.0, [{"type": "text", "text": "rea"}]), (3.0, "dy")):
        answer.now_s = at_s
        FORMS["openai_chat"].read("", {"choices": [{"delta": {"content": content}}]}, answer)
    assert (str(answer.text), answer.token_times_s, answer.first_visible_s) == ("ready", [1.0, 2.0, 3.0], 2.0)
    assert answer.reasons_first


@pytest.mark.parametrize(
    ("begun", "ended", "input"),
    [
        ({"input_tokens": 12}, {"output_tokens": 4}, 12),
        ({"input_tokens": 12}, {"output_tokens": 4, "cache_read_input_tokens": 0}, 12),
        ({"input_tokens": 12}, {"output_tokens": 4, "input_tokens": None, "cache_read_input_tokens": 3}, 12),
        ({"input_tokens": 2, "cache_read_input_tokens": 10}, {"output_tokens": 4}, 12),
        # OpenRouter begins with 0.
        ({"input_tokens": 0}, {"output_tokens": 4, "input_tokens": 12}, 12),
    ],
)
def test_the_input_of_anthropic_is_what_was_last_counted_whole(begun: object, ended: object, input: int) -> None:
    answer = StreamedAnswer()
    FORMS["anthropic"].read("message_start", {"message": {"usage": begun}}, answer)
    FORMS["anthropic"].read("message_delta", {"delta": {}, "usage": ended}, answer)
    assert (answer.usage.input, answer.usage.output) == (input, 4)
