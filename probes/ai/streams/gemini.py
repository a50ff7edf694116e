"""Gemini's `streamGenerateContent` with `alt=sse`: whole answers in pieces, without an end marker. Pure.

Source: python-genai `types.py`, read in August 2026.
"""

from __future__ import annotations

from probes.ai.streams.answer import Finish, StreamedAnswer, count, encoded, inside
from probes.ai.streams.framing import Framing
from probes.ai.streams.shape import Json, Prompt, StreamForm

_FINISHES = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.FILTER,
    "RECITATION": Finish.FILTER,
    "BLOCKLIST": Finish.FILTER,
    "PROHIBITED_CONTENT": Finish.FILTER,
    "SPII": Finish.FILTER,
    "IMAGE_SAFETY": Finish.FILTER,
    "LANGUAGE": Finish.OTHER,
    "MALFORMED_FUNCTION_CALL": Finish.ERROR,
    "UNEXPECTED_TOOL_CALL": Finish.ERROR,
    "TOO_MANY_TOOL_CALLS": Finish.ERROR,
}


def body(prompt: Prompt) -> Json:
    settings: Json = {"maxOutputTokens": prompt.tokens_most}
    asked: Json = {
        "contents": [{"role": "user", "parts": [{"text": prompt.text}]}],
        "generationConfig": prompt.with_temperature(settings),
    }
    if prompt.tool is not None:
        tool: Json = {"name": prompt.tool.name, "description": prompt.tool.description}
        if prompt.tool.parameters:
            tool["parameters"] = prompt.tool.schema
        asked["tools"] = [{"functionDeclarations": [tool]}]
        only = {"mode": "ANY", "allowedFunctionNames": [prompt.tool.name]}
        asked["toolConfig"] = {"functionCallingConfig": only}
    return asked


def read(name: str, event: Json, answer: StreamedAnswer) -> None:
    if event.get("error"):
        answer.fails(event["error"])
        return
    answer.is_of_model(event.get("modelVersion"))
    usage = event.get("usageMetadata")
    if isinstance(usage, dict):
        thoughts = count(usage.get("thoughtsTokenCount")) or 0
        answer.counts(usage.get("promptTokenCount"), None, thoughts)
        visible = count(usage.get("candidatesTokenCount"))
        if visible is not None:
            # Thoughts stand beside the candidates' tokens and cost as much.
            answer.counts(output=visible + thoughts)
    blocked = inside(event, "promptFeedback", "blockReason")
    if isinstance(blocked, str) and blocked:
        answer.finishes(blocked, {blocked: Finish.FILTER})
    candidate = inside(event, "candidates", 0)
    parts = inside(candidate, "content", "parts")
    for part in parts if isinstance(parts, list) else []:
        _take_part(part, answer)
    answer.finishes(inside(candidate, "finishReason"), _FINISHES)
    if answer.finish is Finish.ERROR:
        answer.fails({"message": answer.finish_said})
    elif answer.finish is Finish.STOP and answer.calls:
        answer.finish = Finish.TOOL_CALL


def _take_part(part: object, answer: StreamedAnswer) -> None:
    if inside(part, "thought") is True:
        answer.reasons(inside(part, "text"))
        return
    answer.says(inside(part, "text"))
    call = inside(part, "functionCall")
    if isinstance(call, dict):
        answer.calls_tool(len(answer.calls), call.get("name"), encoded(call.get("args")))


FORM = StreamForm(Framing.EVENTS, body, read, ":streamGenerateContent?alt=sse")
