"""A LiteLLM configuration becomes one monitor per provider, base and key, and one chain per group with fallbacks."""

from __future__ import annotations

import pytest

from vigil.monitors.core.litellm import ImportPlan, PlannedMonitor, plan
from vigil.monitors.core.litellm_targets import BadConfig, LiteLlmTarget

CONFIG = {
    "credential_list": [
        {
            "credential_name": "az",
            "credential_values": {"api_key": "os.environ/AZURE_KEY", "api_base": "https://x.openai.azure.com/"},
        }
    ],
    "model_list": [
        {"model_name": "chat", "litellm_params": {"model": "openai/gpt-x", "api_key": "os.environ/OPENAI_API_KEY"}},
        {"model_name": "chat", "litellm_params": {"model": "azure/mine", "litellm_credential_name": "az"}},
        {"model_name": "cheap", "litellm_params": {"model": "gpt-mini"}},
        {"model_name": "backup", "litellm_params": {"model": "anthropic/claude-x", "api_key": "sk-obviously-fake"}},
        {"model_name": "local", "litellm_params": {"model": "ollama_chat/llama3", "api_base": "http://10.0.0.5:11434"}},
        {"model_name": "any", "litellm_params": {"model": "openai/*"}},
        {"model_name": "other", "litellm_params": {"model": "openrouter/anthropic/claude-x"}},
    ],
    "router_settings": {
        "fallbacks": [{"chat": ["backup", {"model": "loc"}, "ghost"]}, {"cheap": ["chat"]}, {"nobody": ["chat"]}],
        "model_group_alias": {"loc": "local"},
    },
    "litellm_settings": {"default_fallbacks": ["backup"]},
    "general_settings": {"background_health_checks": True},
    "guardrails": [{"anything": 1}],
}
OPENAI = LiteLlmTarget("openai", "", "", "OPENAI_API_KEY")
AZURE = LiteLlmTarget("azure-openai", "https://x.openai.azure.com", "", "AZURE_KEY")
ANTHROPIC = LiteLlmTarget("anthropic", "", "", "ANTHROPIC_API_KEY")
OLLAMA = LiteLlmTarget("ollama", "http://10.0.0.5:11434", "", "")


@pytest.fixture(scope="module")
def planned() -> ImportPlan:
    return plan(CONFIG)


def test_one_monitor_watches_each_provider_base_and_key(planned: ImportPlan) -> None:
    assert planned.monitors == (
        PlannedMonitor(ANTHROPIC, ("claude-x",)),
        PlannedMonitor(AZURE, ("mine",)),
        PlannedMonitor(OLLAMA, ("llama3",)),
        PlannedMonitor(OPENAI, ("gpt-x", "gpt-mini")),
        PlannedMonitor(LiteLlmTarget("openrouter", "", "", "OPENROUTER_API_KEY"), ("anthropic/claude-x",)),
    )


def test_a_chain_names_the_primaries_and_the_fallbacks_in_order(planned: ImportPlan) -> None:
    chain = next(chain for chain in planned.chains if chain.group == "chat")

    assert chain.primaries == (OPENAI, AZURE)
    assert chain.fallbacks == (("backup", (ANTHROPIC,)), ("local", (OLLAMA,)))


def test_a_group_without_a_chain_of_its_own_has_the_default_one(planned: ImportPlan) -> None:
    chain = next(chain for chain in planned.chains if chain.group == "local")

    assert chain.fallbacks == (("backup", (ANTHROPIC,)),)


@pytest.mark.parametrize(
    "warning",
    [
        "backup: the key in the file is not used; it is read from ANTHROPIC_API_KEY",
        "chat: falls back on 'ghost', which is not in model_list: dangling",
        "fallbacks are written for 'nobody', which is not in model_list: dangling",
        "cheap and its fallback chat share everything: openai (OPENAI_API_KEY)",
        "local: only the default fallback",
        "background_health_checks is on: LiteLLM itself makes a paid completion per deployment every 300 s, 2,016 a day"
        " for 7 deployments",
    ],
)
def test_what_the_owner_should_know_is_said(planned: ImportPlan, warning: str) -> None:
    assert warning in planned.warnings


def test_a_key_in_the_file_is_nowhere_in_the_plan(planned: ImportPlan) -> None:
    assert "obviously-fake" not in repr(planned)


def test_an_openai_speaking_server_elsewhere_is_not_openai() -> None:
    entry = {"model_name": "mine", "litellm_params": {"model": "openai/x", "api_base": "http://gpu:8000/v1"}}

    (monitor,) = plan({"model_list": [entry]}).monitors
    assert monitor.target == LiteLlmTarget("openai-compatible", "http://gpu:8000/v1", "", "")


def test_a_provider_without_a_preset_is_said() -> None:
    planned = plan({"model_list": [{"model_name": "w", "litellm_params": {"model": "watsonx/granite"}}]})

    assert planned.warnings[0].startswith("w: the provider 'watsonx' has no preset")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "expected a mapping"),
        ({}, "`model_list` is missing"),
        ({"model_list": ["x"]}, "entry 1 of `model_list` has no `litellm_params`"),
        ({"model_list": [{"model_name": "a", "litellm_params": {}}]}, r"entry 1 of `model_list` \(a\) has no"),
    ],
)
def test_a_file_that_is_something_else_is_refused(document: object, problem: str) -> None:
    with pytest.raises(BadConfig, match=problem):
        plan(document)
