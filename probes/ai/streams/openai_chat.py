"""Chat completions in the form of OpenAI, as vLLM, Groq, Mistral, DeepSeek, LiteLLM and OpenRouter speak it. Pure.

Source: openai-python `types/chat/chat_completion_chunk.py` and `_streaming.py`, read in August 2026; what
others do stands beside it.
"""

from __future__ import annotations

import re

from probes.ai.streams.answer import Finish, StreamedAnswer, inside, output_count
from probes.ai.streams.framing import Framing
from probes.ai.streams.shape import Json, Prompt, StreamForm

FINISHES = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,
    "length": Finish.LENGTH,
    # Mistral, where the context is full.
    "model_length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALL,
    "function_call": Finish.TOOL_CALL,
    "content_filter": Finish.FILTER,
    "error": Finish.ERROR,
    # Z.AI tells of what fails in the middle by the finish reason alone.
    "sensitive": Finish.FILTER,
    "network_error": Finish.ERROR,
    "model_context_window_exceeded": Finish.LENGTH,
    # vLLM and SGLang, where the engine gave the request up; `[DONE]` follows all the same (vllm issue 57082).
    "abort": Finish.ERROR,
    "insufficient_system_resource": Finish.ERROR,
}
#: Reasoning models there refuse the older `max_tokens`; other hosts may not know the newer name.
_NEWER_LIMIT = ("api.openai.com", ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
#: Those models behind whatever gateway: one that only hands on needs the newer name, and the others know both.
_NEWER_MODELS = re.compile(r"(?:.*/)?(?:o[1-9]|gpt-(?:[5-9]|[1-9][0-9]))(?![0-9a-z])")
#: They refuse fields that they do not know, and send the usage without being asked.
_USAGE_UNASKED = (".mistral.ai",)


def body(prompt: Prompt) -> Json:
    is_newer = prompt.host.endswith(_NEWER_LIMIT) or _NEWER_MODELS.match(prompt.model.lower())
    limit = "max_completion_tokens" if is_newer else "max_tokens"
    asked: Json = {
        "model": prompt.model,
        "messages": [{"role": "user", "content": prompt.text}],
        "stream": True,
        limit: prompt.tokens_most,
    }
    if not prompt.host.endswith(_USAGE_UNASKED):
        asked["stream_options"] = {"include_usage": True}
    if prompt.tool is not None:
        asked["tools"] = [prompt.tool.function]
        asked["tool_choice"] = {"type": "function", "function": {"name": prompt.tool.name}}
    if prompt.effort:
        asked["reasoning_effort"] = prompt.effort
    return prompt.with_temperature(asked)


def read(name: str, event: Json, answer: StreamedAnswer) -> None:
    # Groq may tell beside the chunk why it stops early (groq-python, `XGroq.error`).
    error = event.get("error") or inside(event, "x_groq", "error")
    if error or name == "error" or event.get("object") == "error":
        # Older vLLM and llama.cpp have the error itself in the place of a chunk.
        answer.fails(error or event)
        return
    answer.is_of_model(event.get("model"))
    usage = event.get("usage")
    if isinstance(usage, dict):
        answer.counts(
            usage.get("prompt_tokens"),
            output_count(usage.get("completion_tokens"), usage.get("total_tokens"), usage.get("prompt_tokens")),
            inside(usage, "completion_tokens_details", "reasoning_tokens"),
        )
    choice = inside(event, "choices", 0)
    if not isinstance(choice, dict):
        return
    delta = choice.get("delta")
    if isinstance(delta, dict):
        answer.reasons(delta.get("reasoning_content") or delta.get("reasoning"))
        _take_content(delta.get("content"), answer)
        answer.refuses(delta.get("refusal"))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            function = inside(call, "function")
            answer.calls_tool(inside(call, "index"), inside(function, "name"), inside(function, "arguments"))
    answer.finishes(choice.get("finish_reason"), FINISHES)
    if answer.finish is Finish.ERROR:
        answer.fails(choice.get("error") or {"message": answer.finish_said})


def _take_content(content: object, answer: StreamedAnswer) -> None:
    """Text, or the parts of which Mistral's reasoning models make it: https://docs.mistral.ai/capabilities/reasoning"""
    if not isinstance(content, list):
        answer.says(content)
        return
    for part in content:
        thought = inside(part, "thinking")
        for piece in thought if isinstance(thought, list) else []:
            answer.reasons(inside(piece, "text"))
        answer.says(inside(part, "text"))


FORM = StreamForm(Framing.EVENTS, body, read, "/chat/completions", sentinel=b"[DONE]")
