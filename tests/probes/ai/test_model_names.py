"""A model that answers is not missing: which names name the same model, and which do not."""

from __future__ import annotations

import pytest

from probes.ai.model_names import is_listed


@pytest.mark.parametrize(
    ("model", "names"),
    [
        pytest.param("llama3", ["llama3:latest"], id="an implied tag"),
        pytest.param("llama3:latest", ["llama3"], id="a tag left out"),
        pytest.param("Llama3:8B", ["llama3:8b"], id="capitals"),
        pytest.param("meta-llama/Llama-3.3-70B-Instruct", ["llama-3.3-70b-instruct"], id="an owner in front"),
        pytest.param("Llama-3.3-70B-Instruct", ["meta-llama/Llama-3.3-70B-Instruct"], id="an owner in the list"),
        pytest.param("gemini-2.5-pro", ["models/gemini-2.5-pro"], id="models/ in front"),
        pytest.param("mistral-large-latest", ["mistral-large-2411"], id="the latest of its versions"),
        pytest.param("claude-sonnet-4-5", ["claude-sonnet-4-5-20250929"], id="a version left out"),
        pytest.param("gpt-4o", ["gpt-4o-2024-08-06"], id="a date left out"),
        pytest.param("qwen2.5-7b", ["/models/Qwen2.5-7B.gguf"], id="the path of a file"),
        pytest.param("qwen2.5-7b", ["/models/qwen2.5-7b-00001-of-00003.gguf"], id="a file in parts"),
    ],
)
def test_b2_16_two_names_of_one_model(model: str, names: list[str]) -> None:
    assert is_listed(model, names)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("llama3:8b", ["llama3:70b", "llama3"]),
        ("gpt-4o", ["gpt-4o-mini"]),
        ("gpt-4", ["gpt-4o", "gpt-4-turbo"]),
        ("deepseek-chat", ["deepseek-v4-flash", "deepseek-v4-pro"]),
        ("mistralai/x", ["other/x"]),
        ("gpt-4o-2024-05-13", ["gpt-4o-2024-08-06"]),
        ("a", []),
        ("a", [None, 7, {"id": "a"}]),
        ("", ["a"]),
    ],
)
def test_two_models_are_two(model: str, names: list[object]) -> None:
    assert not is_listed(model, names)
