"""Chat API v2 of Cohere: events told apart by `type`, errors in the last of them at status 200. Pure.

Source: cohere-python `types/*stream*`, read in August 2026.
"""

from __future__ import annotations

from probes.ai.streams.answer import Finish, StreamedAnswer, inside
from probes.ai.streams.framing import Framing
from probes.ai.streams.shape import Json, Prompt, StreamForm

_FINISHES = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "TOOL_CALL": Finish.TOOL_CALL,
    "ERROR": Finish.ERROR,
    "TIMEOUT": Finish.ERROR,
}


def body(prompt: Prompt) -> Json:
    asked: Json = {
        "model": prompt.model,
        "messages": [{"role": "user", "content": prompt.text}],
        "stream": True,
        "max_tokens": prompt.tokens_most,
    }
    if prompt.tool is not None:
        asked["tools"] = [prompt.tool.function]
        asked["tool_choice"] = "REQUIRED"
    return prompt.with_temperature(asked)


def read(name: str, event: Json, answer: StreamedAnswer) -> None:
    kind = event.get("type") or name
    delta = event.get("delta")
    if kind == "content-delta":
        answer.reasons(inside(delta, "message", "content", "thinking"))
        answer.says(inside(delta, "message", "content", "text"))
    elif kind == "tool-plan-delta":
        answer.reasons(inside(delta, "message", "tool_plan"))
    elif kind in ("tool-call-start", "tool-call-delta"):
        function = inside(delta, "message", "tool_calls", "function")
        answer.calls_tool(event.get("index"), inside(function, "name"), inside(function, "arguments"))
    elif kind == "message-end":
        usage = inside(delta, "usage", "billed_units") or inside(delta, "usage", "tokens")
        answer.counts(inside(usage, "input_tokens"), inside(usage, "output_tokens"))
        answer.finishes(inside(delta, "finish_reason"), _FINISHES)
        answer.ended = True
        error = inside(delta, "error")
        if error or answer.finish is Finish.ERROR:
            answer.fails(error or {"message": answer.finish_said})
    elif kind == "error" or (kind == "" and event.get("message")):
        answer.fails({"message": event.get("message")})


FORM = StreamForm(Framing.EVENTS, body, read, "/v2/chat")
