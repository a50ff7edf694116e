"""LiteLLM as a document: monitors with their keys as variables, and fallback chains as composites."""

from __future__ import annotations

from pathlib import Path

from tests.vigil.importers.imports import Result, golden, imported, written

CONFIG = """\
model_list:
  - model_name: chat
    litellm_params: {model: openai/gpt-x, api_key: os.environ/OPENAI_API_KEY}
  - model_name: backup
    litellm_params: {model: groq/llama-x, api_key: obviously-fake-key-555}
  - model_name: own
    litellm_params: {model: hosted_vllm/llama, api_base: os.environ/VLLM_BASE}
  - model_name: strange
    litellm_params: {model: unheard-of/one}
router_settings:
  fallbacks: [{chat: [backup, ghost]}]
"""


def golden_import(path: Path) -> Result:
    return imported("litellm", written(path, CONFIG))


def test_a_proxy_becomes_a_file_that_holds_no_key(tmp_path: Path) -> None:
    made = golden_import(tmp_path)
    assert made.text == golden("litellm")
    assert "obviously-fake" not in made.text + str(made.report.as_json())
    assert "no provider" in made.why("strange")
    assert {one.name for one in made.report.variables} == {"OPENAI_API_KEY", "GROQ_API_KEY", "VLLM_BASE"}
