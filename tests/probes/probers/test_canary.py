"""The canary prober against the fake provider's streams: each fault has its reason, and nothing is asked twice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from probes.ai.streams import FORMS
from probes.ai.streams.facts import ANSWER_FAULT, NOT_SENT
from probes.ai.streams.judgement import AnswerFault
from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import answering, closed_port, resetting, serving, silent
from vigil.demo.endpoints import PROVIDERS
from vigil.demo.exchange import ServedAnswer, ServedRequest, serve
from vigil.demo.shapes import DEMO_KEY
from vigil.demo.streaming.served import generated

pytestmark = pytest.mark.anyio

PATHS = {
    "anthropic": ("anthropic", "/v1/messages"),
    "cohere": ("cohere", "/v2/chat"),
    "gemini": ("gemini", "/v1beta/models/{model}:streamGenerateContent?alt=sse"),
    "ollama": ("ollama", "/api/chat"),
    "openai_chat": ("openai", "/v1/chat/completions"),
    "openai_responses": ("openai", "/v1/responses"),
}
SECRETS = {
    "anthropic": {"header.x-api-key": DEMO_KEY},
    "gemini": {"header.x-goog-api-key": DEMO_KEY},
    "ollama": {},
}
PRICED = {"billing_acknowledged": True, "monthly_budget": 1.0, "input_price": 0.1, "output_price": 0.4}


class Speaking:
    """The fake provider in this loop, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[ServedRequest] = []

    async def respond(self, request: ServedRequest) -> ServedAnswer:
        self.asked.append(request)
        name, _, rest = request.path.lstrip("/").partition("/")
        answer = generated(PROVIDERS[name], request, f"/{rest}")
        assert answer is not None
        return answer


@contextlib.asynccontextmanager
async def speaking() -> AsyncIterator[tuple[str, Speaking]]:
    provider = Speaking()
    server = await serve(0, provider.respond)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", provider
    finally:
        server.close()


async def heard(base: str, form: str = "openai_chat", model: str = "demo-model", **config: Any) -> Observation:
    name, path = PATHS[form]
    timeout_s = config.pop("timeout_s", 5.0)
    config = {"url": f"{base}/{name}{path.format(model=model)}", "form": form, "model": model, **PRICED, **config}
    secrets = SECRETS.get(form, {"bearer": DEMO_KEY})
    return await looked("canary", config, secrets, timeout_s=timeout_s)


@pytest.mark.parametrize("form", sorted(FORMS))
async def test_a_good_answer_is_up_with_its_times_and_tokens(form: str) -> None:
    async with speaking() as (base, provider):
        seen = await heard(base, form, expect_text="ready")
    assert (seen.status, seen.reason, seen.detail) == (Status.UP, Reason.OK, "")
    facts = seen.facts
    assert (facts["input_tokens"], facts["output_tokens"], facts["token_events"]) == (12, 4, 3)
    marks = [facts[name] for name in ("headers_ms", "first_byte_ms", "first_token_ms", "stream_ms")]
    assert marks == sorted(marks, key=float)
    assert float(facts["gap_p95_ms"]) <= float(facts["longest_stall_ms"])
    assert len(provider.asked) == 1
    assert provider.asked[0].method == "POST"


@pytest.mark.parametrize("form", sorted(FORMS))
async def test_an_exact_call_of_a_tool_is_up_and_any_other_is_not(form: str) -> None:
    tool = {"prompt": 'Call it with {"n": 1}', "tool": "count", "tool_parameters": '{"type": "object"}'}
    async with speaking() as (base, _):
        exact = await heard(base, form, **tool, tool_arguments='{"n": 1}')
        other = await heard(base, form, **tool, tool_arguments='{"n": 2}')
    assert exact.status is Status.UP
    assert (other.status, other.facts[ANSWER_FAULT]) == (Status.DEGRADED, AnswerFault.WRONG_TOOL_CALL)


@pytest.mark.parametrize(
    ("model", "config", "reason", "finding"),
    [
        ("m-cut", {}, Reason.RESET, AnswerFault.CUT),
        ("m-error", {}, Reason.OVERLOADED, AnswerFault.ERROR_IN_STREAM),
        ("m-empty", {}, Reason.BODY_MISMATCH, AnswerFault.EMPTY),
        ("m-refusal", {}, Reason.BODY_MISMATCH, AnswerFault.REFUSED),
        ("m-swapped", {}, Reason.VALUE_MISMATCH, AnswerFault.OTHER_MODEL),
        ("m-stall", {"stall_s": 0.3}, Reason.STALLED, AnswerFault.STALLED),
        ("m-hang", {"timeout_s": 0.6}, Reason.STALLED, AnswerFault.CUT),
        ("m-bad_json", {"prompt": "JSON, please", "expect_json": True}, Reason.BODY_MISMATCH, AnswerFault.INVALID_JSON),
        ("m-wrong_tool", {"tool": "count"}, Reason.BODY_MISMATCH, AnswerFault.WRONG_TOOL_CALL),
    ],
)
async def test_each_fault_degrades_by_its_own_reason(
    model: str, config: dict[str, Any], reason: Reason, finding: AnswerFault
) -> None:
    async with speaking() as (base, provider):
        seen = await heard(base, model=model, **config)
    assert (seen.status, seen.reason, seen.facts[ANSWER_FAULT]) == (Status.DEGRADED, reason, finding)
    assert len(provider.asked) == 1


async def test_the_quota_that_is_left_is_told_with_a_good_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-ratelimit-remaining-tokens: 900\r\n\r\n"
    said = b'data: {"choices": [{"delta": {"content": "ready"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    async with serving(answering(head + said)) as port:
        seen = await heard(f"http://127.0.0.1:{port}")
    assert (seen.status, seen.facts["ratelimit_tokens_remaining"]) == (Status.UP, 900)


_BEGUN = (
    b'data: {"type": "message_start", "message": {"usage": {"input_tokens": 12, "output_tokens": 1}}}\n\n'
    b'data: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "rea"}}\n\n'
)


@pytest.mark.parametrize("end", [b"", b'data: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'])
async def test_the_count_of_a_stream_without_its_end_is_not_the_last_one(end: bytes) -> None:
    async with serving(answering(HEAD + _BEGUN + end)) as port:
        seen = await heard(f"http://127.0.0.1:{port}", "anthropic")
    assert seen.status is Status.DEGRADED
    assert not {"input_tokens", "output_tokens"} & seen.facts.keys()


async def test_a_wrong_key_is_an_account_problem() -> None:
    async with speaking() as (base, _):
        config = {"url": f"{base}/openai/v1/chat/completions", "form": "openai_chat", "model": "m", **PRICED}
        seen = await looked("canary", config, {"bearer": "wrong"})
    assert (seen.status, seen.reason, seen.code) == (Status.DEGRADED, Reason.AUTH, 401)


async def test_a_target_that_cannot_be_reached_is_degraded_and_was_not_billed() -> None:
    seen = await heard(f"http://127.0.0.1:{closed_port()}")
    assert (seen.status, seen.reason, seen.facts[NOT_SENT]) == (Status.DEGRADED, Reason.REFUSED, True)


async def test_a_target_that_says_nothing_may_have_billed() -> None:
    async with serving(silent) as port:
        seen = await heard(f"http://127.0.0.1:{port}", timeout_s=0.5)
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.TIMEOUT)
    assert NOT_SENT not in seen.facts


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#: An answer that is no stream.
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n%s"


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(HEAD + b"data: " + b"x" * 300_000), Reason.TOO_LARGE),
        (answering(HEAD + b"data: not json\n\n"), Reason.RESET),
        (answering(HEAD), Reason.RESET),
        (answering(HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b"), Reason.PROTOCOL_ERROR),
        (answering(b'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{"error":{"message":"no way"}}'), Reason.HTTP_5XX),
        (
            answering(WHOLE % b'{"choices": [{"message": {"content": "ready"}, "finish_reason": "stop"}]}'),
            Reason.PROTOCOL_ERROR,
        ),
        (answering(WHOLE % b'{\n  "choices": []\n}'), Reason.PROTOCOL_ERROR),
        (answering(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), Reason.HTTP_5XX),
        (answering(b"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), Reason.CONFIG),
        (answering(b"SSH-2.0-x\r\n"), Reason.PROTOCOL_ERROR),
        (resetting(HEAD + b"data: {}\n\n"), Reason.RESET),
    ],
)
async def test_what_is_no_stream_is_degraded_and_never_down(handler: Any, reason: Reason) -> None:
    async with serving(handler) as port:
        seen = await heard(f"http://127.0.0.1:{port}")
    assert (seen.status, seen.reason) == (Status.DEGRADED, reason)


async def test_a_field_that_the_model_refuses_is_told() -> None:
    said = b'{"error": {"message": "`temperature` is deprecated for this model."}}'
    async with serving(answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(said) + said)) as port:
        seen = await heard(f"http://127.0.0.1:{port}")
        without = await heard(f"http://127.0.0.1:{port}", temperature=None)
    assert (seen.reason, seen.detail) == (
        Reason.CONFIG,
        "answered 400: the model refuses `temperature`: set it to null",
    )
    assert "temperature" not in without.detail


async def test_the_key_is_sent_as_a_header_and_stands_in_no_fact() -> None:
    async with speaking() as (base, provider):
        seen = await heard(base, "anthropic")
    headers = provider.asked[0].headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == (DEMO_KEY, "2023-06-01")
    assert DEMO_KEY not in json.dumps(seen.facts) + seen.detail


GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/MODEL:streamGenerateContent?alt=sse"
VALID = {"url": "https://api.openai.com/v1/chat/completions", "form": "openai_chat", "model": "gpt-5.6-luna", **PRICED}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"billing_acknowledged": False}, "billing_acknowledged"),
        ({"monthly_budget": 0}, "monthly_budget"),
        ({"monthly_budget": 1e9}, "monthly_budget"),
        ({"output_price": None}, "input_price"),
        ({"output_price": -1}, "output_price"),
        ({"model": "a model"}, "model"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 2_001}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 100_000}, "max_tokens"),
        ({"max_tokens": 15, "form": "openai_responses"}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"reasoning_effort": "none", "form": "anthropic"}, "reasoning_effort"),
        ({"bad_answers": 1}, "bad_answers"),
        ({"bad_answers": 6}, "bad_answers"),
        ({"of_answers": 21, "bad_answers": 3}, "bad_answers"),
        ({"family": "each"}, "family"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://gpu.example.com/flush_cache"}, "url"),
        ({"form": "gemini"}, "url"),
        ({"form": "gemini", "model": "g-2", "url": GEMINI.replace("MODEL", "g-2-pro")}, "url"),
        ({"form": "gemini", "model": "g-2", "url": GEMINI.replace("MODEL", "big-g-2")}, "url"),
        ({"form": "other"}, "form"),
        ({"stall_s": 61}, "stall_s"),
        ({"length_least": 5, "length_most": 4}, "length_most"),
        ({"tool": "a b"}, "tool"),
        ({"tool_arguments": "{}"}, "tool"),
        ({"tool": "x", "tool_arguments": "[]"}, "tool_arguments"),
        ({"tool": "x", "expect_json": True}, "tool"),
    ],
)
def test_what_no_canary_may_ask_is_refused_at_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("canary", {**VALID, **change})
    assert refused.value.field == field


def test_a_canary_of_a_known_provider_is_allowed_with_consent_and_an_http_monitor_is_not() -> None:
    parse_spec("canary", VALID)
    with pytest.raises(SpecError, match="every check would be billed"):
        parse_spec("http", {"url": VALID["url"], "method": "POST", "billing_acknowledged": True})
