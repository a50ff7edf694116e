"""Readers of streamed answers of AI services: one file for each form of API, and the table of the forms. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from probes.ai.streams import anthropic, cohere, gemini, ollama, openai_chat, openai_responses
from probes.ai.streams.shape import StreamForm

FORMS: Mapping[str, StreamForm] = {
    "anthropic": anthropic.FORM,
    "cohere": cohere.FORM,
    "gemini": gemini.FORM,
    "ollama": ollama.FORM,
    "openai_chat": openai_chat.FORM,
    "openai_responses": openai_responses.FORM,
}
