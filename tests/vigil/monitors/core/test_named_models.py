"""Which model a monitor is about: a table of configurations, as presets make them."""

from __future__ import annotations

from typing import Any

import pytest

from probes.presets import CATALOGUE
from probes.presets.drafts import draft
from vigil.monitors.core.named_models import named_models

MISSING = "model_missing"


@pytest.mark.parametrize(
    ("config", "models"),
    [
        ({}, ()),
        ({"url": "https://api.openai.com/v1/models"}, ()),
        ({"url": "https://openrouter.ai/api/v1/models/meta/llama-3/endpoints"}, ("meta/llama-3",)),
        ({"url": "https://api.openai.com/v1/models/gpt-x"}, ("gpt-x",)),
        ({"url": "http://127.0.0.1/v2/models/m%20one/ready"}, ("m one",)),
        ({"model": "gpt-x", "assertions": [{"reason": MISSING, "contains": "gpt-x"}]}, ("gpt-x",)),
        ({"assertions": [{"reason": "body_mismatch", "contains": "gpt-x"}]}, ()),
        ({"assertions": [{"reason": MISSING, "contains": 3}, "no assertion", {"reason": MISSING}]}, ()),
        ({"url": "http://[", "assertions": "none", "model": ["x"]}, ()),
        ({"model": "a\nb"}, ()),
        ({"model": "x" * 300}, ()),
    ],
)
def test_a_configuration_names_its_models(config: dict[str, Any], models: tuple[str, ...]) -> None:
    assert named_models(config) == models


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "openrouter", "openrouter-model", "groq", "mistral"])
def test_a_preset_with_a_model_names_it(name: str) -> None:
    made = draft(CATALOGUE[name], {"key": "not-a-key", "model": "vendor/model-1"})
    assert named_models(made.config) == ("vendor/model-1",)
