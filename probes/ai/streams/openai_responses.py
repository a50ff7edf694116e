"""Responses API of OpenAI: named events, of which one of three is the last. Pure.

Source: openai-python `types/responses/*`, read in August 2026.
"""

from __future__ import annotations

from probes.ai.streams.answer import Finish, StreamedAnswer, inside, output_count
from probes.ai.streams.framing import Framing
from probes.ai.streams.shape import Json, Prompt, StreamForm

_FINISHES = {
    "completed": Finish.STOP,
    "max_output_tokens": Finish.LENGTH,
    "content_filter": Finish.FILTER,
    "incomplete": Finish.OTHER,
}
_REASONING = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")


def body(prompt: Prompt) -> Json:
    asked: Json = {
        "model": prompt.model,
        "input": prompt.text,
        "stream": True,
        "store": False,
        "max_output_tokens": prompt.tokens_most,
    }
    if prompt.tool is not None:
        tool = {"type": "function", "name": prompt.tool.name, "description": prompt.tool.description}
        asked["tools"] = [{**tool, "parameters": prompt.tool.schema, "strict": False}]
        asked["tool_choice"] = {"type": "function", "name": prompt.tool.name}
    if prompt.effort:
        asked["reasoning"] = {"effort": prompt.effort}
    return prompt.with_temperature(asked)


def read(name: str, event: Json, answer: StreamedAnswer) -> None:
    kind = event.get("type") or name
    if kind == "error":
        # The reference has the words beside `type`; what is sent has them below `error` (openai-dotnet issue 881).
        answer.fails(event.get("error") or {each: event.get(each) for each in ("code", "message", "type")})
    elif kind == "response.output_text.delta":
        answer.says(event.get("delta"))
    elif kind == "response.refusal.delta":
        answer.refuses(event.get("delta"))
    elif kind in _REASONING:
        answer.reasons(event.get("delta"))
    elif kind == "response.output_item.added":
        if inside(event, "item", "type") == "function_call":
            answer.calls_tool(event.get("output_index"), inside(event, "item", "name"), "")
    elif kind == "response.function_call_arguments.delta":
        answer.calls_tool(event.get("output_index"), "", event.get("delta"))
    elif kind in ("response.created", "response.completed", "response.incomplete", "response.failed"):
        _take_response(str(kind), event.get("response"), answer)


def _take_response(kind: str, response: object, answer: StreamedAnswer) -> None:
    answer.is_of_model(inside(response, "model"))
    if kind == "response.created":
        return
    usage = inside(response, "usage")
    input = inside(usage, "input_tokens")
    answer.counts(
        input,
        output_count(inside(usage, "output_tokens"), inside(usage, "total_tokens"), input),
        inside(usage, "output_tokens_details", "reasoning_tokens"),
    )
    answer.ended = True
    if kind == "response.failed":
        answer.fails(inside(response, "error") or {"message": "failed"})
    elif kind == "response.incomplete":
        answer.finishes(inside(response, "incomplete_details", "reason") or "incomplete", _FINISHES)
    else:
        answer.finishes("completed", _FINISHES)
        if answer.calls:
            answer.finish = Finish.TOOL_CALL


FORM = StreamForm(Framing.EVENTS, body, read, "/responses", sentinel=b"[DONE]")
