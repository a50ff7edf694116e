"""A base address in any form that people paste becomes what the official client would ask."""

from __future__ import annotations

import pytest

from probes.presets import CATALOGUE, PresetError, build
from probes.presets.addresses import joined
from probes.presets.shape import Preset

HOST = "http://gpu.internal:8000"
HTTP = {name: preset for name, preset in CATALOGUE.items() if preset.kind not in ("tcp", "postgresql", "redis")}
#: Of a client: the path starts below the base. Of a server: at its root.
CLIENTS = {name for name, preset in HTTP.items() if preset.client_base is not None}

#: preset, base below the host, model -> what is asked.
ASKED = [
    # F4: a base with /v1 is not doubled, whatever path is used in the end.
    ("litellm", "/v1", "good", "/v1/models"),
    ("litellm", "/v1", "", "/health/liveliness"),
    ("vllm", "/v1/", "m", "/v1/models"),
    ("vllm", "/v1", "", "/health"),
    ("vllm", "/gpu-a/v1", "", "/gpu-a/health"),
    ("vllm", "/openai/v1", "m", "/openai/v1/models"),
    ("llama-cpp", "/v1", "m", "/v1/models"),
    # Pages that other monitors ask, and that people read.
    ("vllm", "/health", "m", "/v1/models"),
    ("vllm", "/metrics", "", "/health"),
    ("vllm", "/gpu-a/docs", "m", "/gpu-a/v1/models"),
    ("nim", "/v1/health/ready", "m", "/v1/models"),
    ("openai-compatible", "/health", "", "/v1/models"),
    ("litellm", "/health/liveliness", "good", "/v1/models"),
    ("localai", "/v1", "", "/readyz"),
    ("ollama", "/v1", "m", "/api/tags"),
    ("ollama", "/api", "", "/api/version"),
    ("ollama", "/api/chat", "", "/api/version"),
    ("lm-studio", "/v1/chat/completions", "m", "/v1/models"),
    ("lm-studio-loaded", "/v1", "m", "/api/v1/models"),
    ("tgi", "/v1", "m", "/info"),
    ("nim", "/v1", "", "/v1/health/ready"),
    ("triton", "/v2/models/x/infer", "x", "/v2/models/x/ready"),
    ("triton", "/v2/models/x/infer", "", "/v2/health/ready"),
    ("triton", "/v2/models/x/versions/1/generate", "y", "/v2/models/y/ready"),
    ("triton", "/v2", "", "/v2/health/ready"),
    ("kserve-v1", "/v1", "x", "/v1/models/x"),
    ("azure-openai", "/openai/v1", "", "/openai/v1/models"),
    ("azure-openai", "/openai/v1/", "", "/openai/v1/models"),
    ("azure-openai", "/openai", "", "/openai/models?api-version=2024-10-21"),
    ("azure-openai", "/openai/deployments/d/chat/completions?api-version=2025-01-01", "",
     "/openai/models?api-version=2025-01-01"),
    ("azure-openai-v1", "/openai/v1/responses?api-version=preview", "", "/openai/v1/models?api-version=preview"),
    ("chroma", "/api/v2", "", "/api/v2/heartbeat"),
    ("weaviate", "/v1", "", "/v1/.well-known/ready"),
    ("vllm-saturation", "/v1", "", "/metrics"),
    ("litellm-saturation", "/v1/", "", "/health/backlog"),
    # F5: a client asks its base and /models.
    ("openai-compatible", "", "", "/v1/models"),
    ("openai-compatible", "/", "", "/v1/models"),
    ("openai-compatible", "/v1beta/openai", "", "/v1beta/openai/models"),
    ("openai-compatible", "/v1/a/g/openai", "", "/v1/a/g/openai/models"),
    ("openai-compatible", "/api/v3/", "", "/api/v3/models"),
    ("openai-compatible", "/team/a", "", "/team/a/models"),
    ("openai-compatible", "/v1/chat/completions", "", "/v1/models"),
    ("openai-compatible", "/chat/completions", "", "/models"),
    ("openai-compatible", "/v1/models/org/name", "", "/v1/models"),
    ("openai-compatible", "/models", "", "/models"),
    ("openai-compatible", "//v1//", "", "/v1/models"),
    ("openai-compatible", "/v1?tenant=a&flag", "", "/v1/models?tenant=a&flag"),
    ("openai-compatible", "/v1#top", "", "/v1/models"),
]  # fmt: skip


def address_of(name: str, base: str, model: str) -> str:
    preset = CATALOGUE[name]
    given: dict[str, object] = {"address": HOST + base, "billing_acknowledged": True}
    given |= {"key": "obviously:fake"} if preset.key == "required" else {}
    given |= {"model": model} if model else {}
    return str(build(name, given).config["url"])


@pytest.mark.parametrize(("name", "base", "model", "asked"), ASKED, ids=[f"{row[0]}{row[1]}" for row in ASKED])
def test_a_preset_asks_what_the_client_would(name: str, base: str, model: str, asked: str) -> None:
    assert address_of(name, base, model) == HOST + asked


@pytest.mark.parametrize("preset", HTTP.values(), ids=HTTP)
@pytest.mark.parametrize("gateway", ["", "/team/a"])
def test_every_preset_takes_every_form_of_a_base(preset: Preset, gateway: str) -> None:
    paths = [preset.path, *([preset.models.path] if preset.models and preset.models.path else [])]
    for path in paths:
        plain = path.partition("?")[0]
        begins = [plain[:at] for at, letter in enumerate(plain) if letter == "/" and at]
        root = HOST + gateway
        # A whole request pasted is that request again, and so is each beginning of it where it is a root's.
        assert joined(root + path, path, preset.client_base) == root + path
        if preset.name not in CLIENTS:
            for below in ("", "/", "/v1", "/v1/", "/v1/chat/completions", *begins):
                assert joined(root + below, path) == root + path, below
        else:
            assert preset.client_base is not None
            resource = path.removeprefix(preset.client_base)
            own = preset.client_base
            for client in (own or "/v1", "/v1", "/v1/", "/openai/v1", "/v1beta/openai", "/v1/chat/completions"):
                base = client.rstrip("/").removesuffix("/chat/completions")
                assert joined(root + client, path, preset.client_base) == root + base + resource, client
            assert joined(HOST, path, preset.client_base) == HOST + path
            assert joined(HOST, path, preset.client_base, exact=True) == HOST + resource


@pytest.mark.parametrize("address", ["http://", "http://x:0", "http://x:port", "ftp://x", "http://[::1"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(PresetError, match=r"^address: looks like http://host:port"):
        build("vllm", {"address": address})
