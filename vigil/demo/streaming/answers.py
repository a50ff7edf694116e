"""Fake streamed answers in the forms of the AI providers' APIs, good and faulty: pieces of bytes, and waits. Pure.

The name of the model asks for a fault: `demo-model-stall` stalls. A prompt that speaks of JSON gets JSON, and a tool on
offer is called with the JSON object that the prompt holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
#: Seconds to wait, or bytes to send.
Piece = float | bytes
WORDS = ("rea", "dy", ".")
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class StreamFault(StrEnum):
    """What goes wrong."""

    NONE = ""
    STALL = "stall"
    HANG = "hang"
    CUT = "cut"
    ERROR = "error"
    EMPTY = "empty"
    REFUSAL = "refusal"
    BAD_JSON = "bad_json"
    WRONG_TOOL = "wrong_tool"
    SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the fake model says, whatever the form: words or a call, why it ends, and the tokens."""

    model: str
    words: tuple[str, ...] = ()
    tool: str = ""
    arguments: Json = field(default_factory=dict)
    refuses: bool = False
    input: int = 12
    output: int = 4
    asked_for: str = ""

    @property
    def pieces(self) -> Sequence[str]:
        """The words, or the arguments in two pieces."""
        if not self.tool:
            return self.words
        text = json.dumps(self.arguments)
        return (text[: len(text) // 2], text[len(text) // 2 :])


def fault_of(model: str) -> StreamFault:
    """The fault that a model's name asks for."""
    return next((fault for fault in StreamFault if fault and model.endswith(f"-{fault}")), StreamFault.NONE)


def spoken(model: str, text: str, tool: str) -> Spoken:
    """What the fake model says to a prompt."""
    fault = fault_of(model)
    said = Spoken("another-model" if fault is StreamFault.SWAPPED else model, WORDS, asked_for=model)
    if fault is StreamFault.REFUSAL:
        return replace(said, words=("I'm sorry, ", "but I can't help with that."), refuses=True)
    if fault is StreamFault.EMPTY:
        return replace(said, words=())
    if tool:
        found = _OBJECT.search(text)
        called = "another_tool" if fault is StreamFault.WRONG_TOOL else tool
        return replace(said, words=(), tool=called, arguments=json.loads(found[0]) if found else {})
    if "JSON" in text:
        return replace(said, words=('{"status": ', '"ready"' if fault is StreamFault.BAD_JSON else '"ready"}'))
    return said


def _event(content: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(content)}\n\n".encode()


def openai_chat(said: Spoken) -> Iterator[bytes]:
    chunk = {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "model": said.model}

    def piece(delta: Json, finish: str | None = None) -> bytes:
        return _event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None})

    yield b": OPENROUTER PROCESSING\n\n"
    yield piece({"role": "assistant", "content": ""})
    for place, text in enumerate(said.pieces):
        if said.tool:
            named = {"id": "call_demo", "type": "function"} if not place else {}
            function = {"arguments": text, **({"name": said.tool} if not place else {})}
            yield piece({"tool_calls": [{"index": 0, **named, "function": function}]})
        else:
            yield piece({"content": text})
    yield piece({}, "tool_calls" if said.tool else "stop")
    usage = {"prompt_tokens": said.input, "completion_tokens": said.output}
    yield _event({**chunk, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def openai_responses(said: Spoken) -> Iterator[bytes]:
    response = {"id": "resp_demo", "model": said.model, "status": "in_progress"}
    yield _event({"type": "response.created", "response": response}, "response.created")
    yield _event({"type": "response.in_progress", "response": response}, "response.in_progress")
    if said.tool:
        item = {"type": "function_call", "name": said.tool, "arguments": ""}
        added = {"type": "response.output_item.added", "output_index": 0, "item": item}
        yield _event(added, "response.output_item.added")
    kind = "response.function_call_arguments.delta" if said.tool else "response.output_text.delta"
    for text in said.pieces:
        yield _event({"type": kind, "output_index": 0, "delta": text}, kind)
    usage = {
        "input_tokens": said.input,
        "output_tokens": said.output,
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    done = {"type": "response.completed", "response": {**response, "status": "completed", "usage": usage}}
    yield _event(done, "response.completed")


def anthropic(said: Spoken) -> Iterator[bytes]:
    usage = {"input_tokens": said.input, "output_tokens": 1}
    message = {"id": "msg_demo", "role": "assistant", "model": said.model, "content": [], "usage": usage}
    yield _event({"type": "message_start", "message": message}, "message_start")
    block = {"type": "tool_use", "name": said.tool, "input": {}} if said.tool else {"type": "text", "text": ""}
    yield _event({"type": "content_block_start", "index": 0, "content_block": block}, "content_block_start")
    yield _event({"type": "ping"}, "ping")
    for text in said.pieces:
        delta = (
            {"type": "input_json_delta", "partial_json": text} if said.tool else {"type": "text_delta", "text": text}
        )
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
    yield _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    reason = "refusal" if said.refuses else "tool_use" if said.tool else "end_turn"
    end = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": said.output}}
    yield _event(end, "message_delta")
    yield _event({"type": "message_stop"}, "message_stop")


def gemini(said: Spoken) -> Iterator[bytes]:
    pieces: list[Json] = [{"text": text} for text in said.words]
    if said.tool:
        pieces = [{"functionCall": {"name": said.tool, "args": said.arguments}}]
    usage = {"promptTokenCount": said.input, "candidatesTokenCount": said.output}
    for place, part in enumerate(pieces or [{"text": ""}]):
        last = place + 1 == max(1, len(pieces))
        candidate = {
            "index": 0,
            "content": {"role": "model", "parts": [part]},
            **({"finishReason": "STOP"} if last else {}),
        }
        yield _event({"candidates": [candidate], "usageMetadata": usage, "modelVersion": said.model})


def cohere(said: Spoken) -> Iterator[bytes]:
    yield _event({"type": "message-start", "id": "demo"}, "message-start")
    for place, text in enumerate(said.pieces):
        if said.tool:
            kind = "tool-call-delta" if place else "tool-call-start"
            function = {"arguments": text, **({} if place else {"name": said.tool})}
            delta: Json = {"message": {"tool_calls": {"function": function}}}
        else:
            kind, delta = "content-delta", {"message": {"content": {"text": text}}}
        yield _event({"type": kind, "index": 0, "delta": delta}, kind)
    usage = {"billed_units": {"input_tokens": said.input, "output_tokens": said.output}}
    end = {"finish_reason": "TOOL_CALL" if said.tool else "COMPLETE", "usage": usage}
    yield _event({"type": "message-end", "delta": end}, "message-end")


def ollama(said: Spoken) -> Iterator[bytes]:
    messages: list[Json] = [{"role": "assistant", "content": text} for text in said.words]
    if said.tool:
        call = {"function": {"name": said.tool, "arguments": said.arguments}}
        messages = [{"role": "assistant", "content": "", "tool_calls": [call]}]
    for message in messages:
        yield json.dumps({"model": said.model, "message": message, "done": False}).encode() + b"\n"
    counts = {"prompt_eval_count": said.input, "eval_count": said.output, "load_duration": 12_000_000}
    last = {"model": said.model, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    yield json.dumps({**last, **counts}).encode() + b"\n"


SPEAKERS: Mapping[str, Callable[[Spoken], Iterator[bytes]]] = {
    "anthropic": anthropic,
    "cohere": cohere,
    "gemini": gemini,
    "ollama": ollama,
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
}
_ERRORS: Mapping[str, bytes] = {
    "anthropic": _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"),
    "cohere": _event({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "told to fail"}}),
    "gemini": _event({"error": {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}}),
    "ollama": b'{"error":"an error was encountered while running the model"}\n',
    "openai_chat": _event(
        {"error": {"message": "told to fail", "type": "server_error", "code": "server_is_overloaded"}}
    ),
    "openai_responses": _event({"type": "error", "code": "server_is_overloaded", "message": "told to fail"}, "error"),
}


def streamed(form: str, said: Spoken, fault: StreamFault, pause_s: float = 0.02, stall_s: float = 1.0) -> list[Piece]:
    """An answer as pieces and waits. HANG waits for longer than any check does; CUT ends in the middle."""
    events = list(SPEAKERS[form](said))
    middle = max(1, len(events) // 2)
    if fault is StreamFault.CUT:
        events = events[:middle]
    elif fault is StreamFault.ERROR:
        events = [*events[:middle], _ERRORS[form]]
    pieces: list[Piece] = []
    for place, event in enumerate(events):
        if place == middle and fault in (StreamFault.STALL, StreamFault.HANG):
            pieces.append(stall_s if fault is StreamFault.STALL else 120.0)
        elif place:
            pieces.append(pause_s)
        pieces.append(event)
    return pieces


def asked_of(form: str, asked: Json, path: str) -> Spoken:
    """What the fake model says to a request's body, in whatever form it is."""
    model = str(asked.get("model", ""))
    if form == "gemini":
        model = path.rpartition("/")[2].partition(":")[0]
        text = str(asked["contents"][0]["parts"][0]["text"])
    elif form == "openai_responses":
        text = str(asked["input"])
    else:
        text = str(asked["messages"][-1]["content"])
    return spoken(model, text, _offered(asked))


def _offered(asked: Json) -> str:
    """The name of the offered tool, wherever the form has it."""
    tools = asked.get("tools") or [{}]
    tool = tools[0]
    declared = (tool.get("functionDeclarations") or [{}])[0]
    return str(tool.get("name") or tool.get("function", {}).get("name") or declared.get("name") or "")
