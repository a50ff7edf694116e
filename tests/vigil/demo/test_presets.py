"""Presets against the fake providers, on real sockets: what each trouble is called."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from probes.checks.attempts import attempt
from probes.net.dialer import Dialer, Resolver
from probes.net.guard import Egress
from probes.net.trace import Trace
from probes.presets import build
from probes.prober import Observation, ProbeContext
from probes.probers import PROBERS, parse_spec
from probes.reasons import Reason, Status
from vigil.demo.shapes import DEMO_KEY

PRESENT = {
    "openai": ("openai", {"key": DEMO_KEY, "model": "gpt-4o-mini"}),
    "anthropic": ("anthropic", {"key": DEMO_KEY, "model": "claude-sonnet-4"}),
    "gemini": ("gemini", {"key": DEMO_KEY, "model": "gemini-2.5-flash"}),
    "ollama": ("ollama", {"model": "llama3.2"}),
    "ollama-loaded": ("ollama", {"model": "llama3.2"}),
    "vllm": ("vllm", {"key": DEMO_KEY, "model": "qwen"}),
    "litellm": ("litellm", {"key": DEMO_KEY, "model": "primary"}),
    "litellm-ready": ("litellm", {}),
    "llama-cpp": ("llamacpp", {}),
    "triton": ("triton", {}),
    "qdrant": ("qdrant", {}),
    "qdrant-collection": ("qdrant", {"key": DEMO_KEY, "name": "demo"}),
}


def look(provider: Any, preset: str, given: dict[str, str]) -> Observation:
    """One check of a preset, with the fake in the place of the real address."""
    made = build(preset, given)
    real = urlsplit(made.config["url"])
    config = {**made.config, "url": f"{provider.url}/{PRESENT[preset][0]}{real.path}"}
    if real.query:
        config["url"] += f"?{real.query}"

    async def once() -> Observation:
        resolver = Resolver()
        try:
            context = ProbeContext(Dialer(Egress.PRIVATE, resolver), Trace(), time.time())
            return await attempt(PROBERS[made.kind], parse_spec(made.kind, config), made.secrets, context, 5.0)
        finally:
            await resolver.close()

    return asyncio.run(once())


@pytest.mark.parametrize("preset", PRESENT)
def test_a_service_that_is_well_is_up(provider: Any, preset: str) -> None:
    seen = look(provider, preset, PRESENT[preset][1])

    assert (seen.status, seen.reason) == (Status.UP, Reason.OK), seen.detail


@pytest.mark.parametrize("preset", ["openai", "anthropic", "gemini", "vllm", "litellm", "qdrant-collection"])
def test_a_bad_key_is_an_account_problem(provider: Any, preset: str) -> None:
    seen = look(provider, preset, {**PRESENT[preset][1], "key": "wrong-key"})

    assert seen.reason is Reason.AUTH, (seen.code, seen.detail)
    assert "wrong-key" not in seen.detail


@pytest.mark.parametrize("preset", ["openai", "anthropic", "gemini", "ollama", "vllm", "litellm"])
def test_a_model_that_is_not_there_is_missing(provider: Any, preset: str) -> None:
    seen = look(provider, preset, {**PRESENT[preset][1], "model": "no-such-model"})

    assert (seen.status, seen.reason) == (Status.DOWN, Reason.MODEL_MISSING), seen.detail


def test_a_model_that_is_not_in_memory_is_degraded(provider: Any) -> None:
    seen = look(provider, "ollama-loaded", {"model": "no-such-model"})

    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.MODEL_NOT_LOADED), seen.detail


@pytest.mark.parametrize("preset", ["openai", "anthropic"])
def test_an_overloaded_provider_is_degraded_and_not_down(provider: Any, preset: str) -> None:
    provider.become(mode="overloaded")
    seen = look(provider, preset, PRESENT[preset][1])

    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.OVERLOADED), (seen.code, seen.detail)


@pytest.mark.parametrize("preset", ["llama-cpp", "triton"])
def test_a_server_that_is_loading_says_so(provider: Any, preset: str) -> None:
    provider.become(mode="loading")
    seen = look(provider, preset, PRESENT[preset][1])

    assert seen.reason is Reason.LOADING, (seen.code, seen.detail)
