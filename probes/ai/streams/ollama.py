"""Chat API of Ollama: one JSON document a line, durations in nanoseconds, errors as a line at status 200. Pure.

Source: ollama `docs/api/{errors,streaming,usage}.mdx`, read in August 2026.
"""

from __future__ import annotations

from probes.ai.streams.answer import Finish, StreamedAnswer, encoded, inside
from probes.ai.streams.framing import Framing
from probes.ai.streams.shape import Json, Prompt, StreamForm

_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH, "load": Finish.OTHER, "unload": Finish.OTHER}


def body(prompt: Prompt) -> Json:
    options = prompt.with_temperature({"num_predict": prompt.tokens_most})
    asked: Json = {
        "model": prompt.model,
        "messages": [{"role": "user", "content": prompt.text}],
        "stream": True,
        "options": options,
    }
    if prompt.tool is not None:
        asked["tools"] = [prompt.tool.function]
    return asked


def read(name: str, event: Json, answer: StreamedAnswer) -> None:
    if event.get("error"):
        answer.fails(event["error"])
        return
    answer.is_of_model(event.get("model"))
    message = event.get("message")
    answer.reasons(inside(message, "thinking"))
    answer.says(inside(message, "content"))
    calls = inside(message, "tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = inside(call, "function")
        answer.calls_tool(len(answer.calls), inside(function, "name"), encoded(inside(function, "arguments")))
    if event.get("done") is True:
        answer.counts(event.get("prompt_eval_count"), event.get("eval_count"))
        answer.finishes(event.get("done_reason") or "stop", _FINISHES)
        answer.ended = True
        if answer.finish is Finish.STOP and answer.calls:
            answer.finish = Finish.TOOL_CALL


FORM = StreamForm(Framing.LINES, body, read, "/api/chat")
