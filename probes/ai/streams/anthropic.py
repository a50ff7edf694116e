"""Messages API of Anthropic: named events, a cumulative count of tokens, and `message_stop` at the end. Pure.

Source: anthropic-sdk-python `types/raw_message_stream_event.py` and `stop_reason.py`, read in August 2026.
"""

from __future__ import annotations

from probes.ai.streams.answer import Finish, StreamedAnswer, count, inside
from probes.ai.streams.framing import Framing
from probes.ai.streams.shape import Json, Prompt, StreamForm

_FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "pause_turn": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALL,
    "refusal": Finish.REFUSAL,
}


def body(prompt: Prompt) -> Json:
    asked: Json = {
        "model": prompt.model,
        "messages": [{"role": "user", "content": prompt.text}],
        "stream": True,
        "max_tokens": prompt.tokens_most,
    }
    if prompt.tool is not None:
        tool = {"name": prompt.tool.name, "description": prompt.tool.description}
        asked["tools"] = [{**tool, "input_schema": prompt.tool.schema}]
        asked["tool_choice"] = {"type": "tool", "name": prompt.tool.name}
    return prompt.with_temperature(asked)


def read(name: str, event: Json, answer: StreamedAnswer) -> None:
    kind = event.get("type") or name
    if kind == "error":
        answer.fails(event.get("error") or {"message": "error"})
    elif kind == "message_start":
        message = event.get("message")
        answer.is_of_model(inside(message, "model"))
        _count(inside(message, "usage"), answer)
    elif kind == "content_block_start":
        if inside(event, "content_block", "type") == "tool_use":
            answer.calls_tool(event.get("index"), inside(event, "content_block", "name"), "")
    elif kind == "content_block_delta":
        delta = event.get("delta")
        answer.says(inside(delta, "text"))
        answer.reasons(inside(delta, "thinking"))
        if inside(delta, "type") == "input_json_delta":
            answer.calls_tool(event.get("index"), "", inside(delta, "partial_json"))
    elif kind == "message_delta":
        answer.finishes(inside(event, "delta", "stop_reason"), _FINISHES)
        _count(event.get("usage"), answer)
    elif kind == "message_stop":
        answer.ended = True


def _count(usage: object, answer: StreamedAnswer) -> None:
    """Tokens written to or read from a cache stand beside `input_tokens`, and are billed as well."""
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    said = [count(inside(usage, name)) for name in names]
    # The last event may repeat those of the cache alone.
    answer.counts(sum(filter(None, said)) if said[0] is not None else None, inside(usage, "output_tokens"))


FORM = StreamForm(Framing.EVENTS, body, read, "/v1/messages", (("anthropic-version", "2023-06-01"),))
