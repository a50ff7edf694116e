"""Generating paths of the fake provider: which form a path has, and the streamed answer to a request."""

from __future__ import annotations

import json

from vigil.demo.exchange import ServedAnswer, ServedRequest, as_json
from vigil.demo.shapes import RecordedProvider, has_key
from vigil.demo.streaming.answers import asked_of, fault_of, streamed

#: How the path of each form ends.
_ENDINGS = {
    "/chat/completions": "openai_chat",
    "/responses": "openai_responses",
    "/v1/messages": "anthropic",
    ":streamGenerateContent": "gemini",
    "/v2/chat": "cohere",
    "/api/chat": "ollama",
}


def generated(provider: RecordedProvider, request: ServedRequest, path: str) -> ServedAnswer | None:
    """The streamed answer to a request that generates; None for any other."""
    form = next((form for ending, form in _ENDINGS.items() if path.endswith(ending)), None)
    if form is None or request.method != "POST":
        return None
    if not has_key(provider.auth, request.headers):
        return provider.bad_key
    try:
        said = asked_of(form, json.loads(request.body), path)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return as_json(400, {"error": {"message": "not a request of this form", "type": "invalid_request_error"}})
    kind = "application/x-ndjson" if form == "ollama" else "text/event-stream"
    return ServedAnswer(200, content_type=kind, pieces=tuple(streamed(form, said, fault_of(said.asked_for))))
