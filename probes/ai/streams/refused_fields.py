"""Fields of a request that a model refuses, as the error of its service names them. Pure.

OpenAI names one in `error.param`; Anthropic, vLLM and LiteLLM in the words of the message. What is returned is from our
own list, never a word of the target.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from probes.ai.streams.answer import inside

#: What can be done about a field; "" where nothing is set for it.
_HELP = {
    "temperature": "set it to null",
    "reasoning_effort": "",
    "reasoning": "set another `reasoning_effort`",
    "max_tokens": "",
    "max_completion_tokens": "",
    "max_output_tokens": "give more `max_tokens`",
    "stream_options": "",
    "tools": "the model may not call tools",
    "tool_choice": "the model may not call tools",
}
_READ_MOST = 16_384


def refused_field(body: bytes, sent: Collection[str]) -> str:
    """Which of the fields that were sent is refused, with what to do, in words; "" where none is named."""
    try:
        said = msgspec.json.decode(body[:_READ_MOST])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
    param, message = inside(said, "error", "param"), inside(said, "error", "message") or inside(said, "message")
    text = message if isinstance(message, str) else ""
    for name, help in _HELP.items():
        is_named = param in (name, f"{name}.effort") or any(f"{quote}{name}{quote}" in text for quote in "`'\"")
        # LiteLLM: "gpt-5 models don't support temperature=0.0".
        if name in sent and (is_named or f"{name}=" in text):
            return f"the model refuses `{name}`{f': {help}' if help else ''}"
    return ""
