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


def only(**params: object) -> ImportPlan:
    return plan({"model_list": [{"model_name": "g", "litellm_params": params}]})


PAIRED = [
    ({"model": "claude-3-opus-20240229", "api_key": "os.environ/ANTHROPIC_API_KEY"}, "anthropic", "ANTHROPIC_API_KEY"),
    ({"model": "claude-sonnet-4-5"}, "anthropic", "ANTHROPIC_API_KEY"),
    ({"model": "command-r-08-2024"}, "cohere", "COHERE_API_KEY"),
    ({"model": "amazon.titan-text-express-v1"}, "bedrock", ""),
    ({"model": "some-model", "api_base": "https://api.groq.com/openai/v1"}, "groq", "GROQ_API_KEY"),
    ({"model": "openai/x", "api_base": "https://api.groq.com/openai/v1", "api_key": "os.environ/K"}, "groq", "K"),
    ({"model": "nvidia_nim/m"}, "openai-compatible", "NVIDIA_NIM_API_KEY"),
    ({"model": "azure/d", "api_base": "https://x.openai.azure.com"}, "azure-openai", "AZURE_API_KEY"),
    ({"model": "openai/x", "api_base": "https://us.api.openai.com/v1"}, "openai", "OPENAI_API_KEY"),
    # The owner names no key for a server: LiteLLM would send OPENAI_API_KEY.
    ({"model": "openai/x", "api_base": "http://gpu:8000/v1"}, "openai-compatible", ""),
    ({"model": "gpt-4o", "api_base": "http://gpu:8000/v1"}, "openai-compatible", ""),
    ({"model": "openai/x", "api_base": "https://api.openai.com.evil.example/v1"}, "openai-compatible", ""),
    ({"model": "anthropic/x", "api_base": "https://gw.example", "api_key": "os.environ/K"}, "anthropic", "K"),
    ({"model": "azure_ai/x", "api_base": "https://x.services.ai.azure.com"}, "azure-openai", "AZURE_AI_API_KEY"),
    ({"model": "litellm_proxy/x", "api_base": "http://p:4000"}, "litellm", "LITELLM_PROXY_API_KEY"),
    # The resource has a list of its models; what is below /anthropic has none.
    ({"model": "anthropic/claude-x", "api_base": "https://x.services.ai.azure.com/anthropic",
      "api_key": "os.environ/K"}, "azure-openai", "K"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "preset", "key"), PAIRED, ids=[str(row[0]) for row in PAIRED])
def test_f1_a_model_is_asked_of_its_provider_with_its_key(params: dict[str, object], preset: str, key: str) -> None:
    (monitor,) = only(**params).monitors
    assert (monitor.target.preset, monitor.target.key) == (preset, key)


LEFT_OUT = [
    ({"model": "gpt-4o", "api_key": "os.environ/ANTHROPIC_API_KEY"}, "ANTHROPIC_API_KEY is the key of Anthropic"),
    ({"model": "gpt-4o", "api_key": "os.environ/GROQ_API_KEY_2"}, "GROQ_API_KEY_2 is the key of Groq"),
    ({"model": "openai/x", "api_base": "https://api.mistral.ai/v1", "api_key": "os.environ/OPENAI_API_KEY"},
     "OPENAI_API_KEY is the key of OpenAI by its name, and is not sent to Mistral"),
    ({"model": "anthropic/x", "api_base": "https://gw.example"}, "names no `api_key` for https://gw.example"),
    ({"model": "gemini-2.5-pro"}, "the provider 'vertex_ai' has no preset"),
    ({"model": "my-model", "api_base": "http://gpu:8000/v1"}, "LiteLLM knows no provider of 'my-model'"),
    ({"model": "meta-llama/Llama-3"}, "LiteLLM knows no provider of 'meta-llama/Llama-3'"),
    ({"model": "voyage/voyage-3"}, "the provider 'voyage' has no preset"),
    ({"model": "triton/x"}, "it has no `api_base`"),
    ({"model": "azure_ai/x", "api_base": "https://x.eastus.models.ai.azure.com"}, "a serverless endpoint of Azure"),
    ({"model": "openai/x", "litellm_credential_name": "vault"}, "its credential 'vault' is not in the"),
    ({"model": "bedrock/us-east-1/x", "aws_bedrock_runtime_endpoint": "https://gw.example"}, "endpoint` of its own"),
    ({"model": "openai/x", "api_base": "http://[bad/v1"}, "its `api_base` is no address"),
    ({"model": "openai/x", "api_base": "${BASE}"}, "its `api_base` is no address"),
    ({"model": "openai/x", "api_base": "os.environ/"}, "its `api_base` names no variable"),
    ({"model": "openai/x", "api_base": "os.environ/a b"}, "its `api_base` names no variable"),
    ({"model": "openai/x", "api_key": "os.environ//"}, "its `api_key` names no variable"),
    ({"model": "bedrock/x", "aws_region_name": "os.environ/a-b"}, "its `aws_region_name` names no variable"),
    ({"model": "openai/x", "api_base": "https://me:hush@gw.example/v1"}, "do not belong into a URL"),
    ({"model": "huggingface/x", "api_base": "https://a1.us-east-1.aws.endpoints.huggingface.cloud/v1"}, "may wake it"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "why"), LEFT_OUT, ids=[str(row[0]) for row in LEFT_OUT])
def test_f1_f14_what_is_unknown_or_not_paired_is_not_monitored(params: dict[str, object], why: str) -> None:
    planned = only(**params)
    assert planned.monitors == () == planned.chains
    (left_out,) = planned.unmonitored
    assert why in left_out.why
    assert f"g: {left_out.why}: not monitored" in planned.warnings


def test_no_value_of_an_address_that_may_be_a_key_stands_in_a_name() -> None:
    (monitor,) = only(model="openai/x", api_base="https://gw.example/v1?api-version=2&key=hush").monitors
    assert monitor.target.name == "openai-compatible (gw.example/v1?api-version=2&key=...)"


def test_b2_15_only_the_very_prefix_of_the_provider_is_taken_off() -> None:
    base = "http://127.0.0.1:8001/v1"
    (monitor,) = only(
        model="meta-llama/Llama-3.3-70B-Instruct", custom_llm_provider="hosted_vllm", api_base=base
    ).monitors
    assert monitor == PlannedMonitor(LiteLlmTarget("vllm", base, "", ""), ("meta-llama/Llama-3.3-70B-Instruct",))


def keys(*entries: tuple[str, str, str]) -> list[str]:
    listed = [
        {"model_name": f"g{number}", "litellm_params": {"model": model, "api_base": base, "api_key": key}}
        for number, (model, base, key) in enumerate(entries)
    ]
    variables: dict[str, str] = {}
    for one in plan({"model_list": listed}).monitors:
        variables[one.models[0]] = one.target.key
    return [variables[model.partition("/")[2]] for model, _, _ in entries]


def test_f2_keys_in_the_file_are_told_apart() -> None:
    one, other, again = keys(
        ("openai/a", "http://h1/v1", "sk-one"),
        ("openai/b", "http://h2/v1", "sk-two"),
        ("openai/c", "http://h3/v1", "sk-one"),
    )
    assert one == "OPENAI_COMPATIBLE_API_KEY"
    assert len({one, other, again}) == 3
    assert other.startswith("OPENAI_COMPATIBLE_API_KEY_")


def test_f2_two_accounts_of_one_provider_are_two() -> None:
    one, other = keys(("openai/a", "", "sk-one"), ("openai/b", "", "sk-two"))
    assert (one, other.startswith("OPENAI_API_KEY_")) == ("OPENAI_API_KEY", True)


def test_f2_a_gateway_gets_no_variable_that_is_a_providers() -> None:
    (variable,) = keys(("anthropic/a", "https://gw.example", "sk-one"))
    assert variable.startswith("ANTHROPIC_API_KEY_")


def test_f14_a_fallback_may_be_the_id_of_a_deployment() -> None:
    entries = [
        {"model_name": "chat", "litellm_params": {"model": "gpt-x"}},
        {"model_name": "b", "litellm_params": {"model": "groq/x"}, "model_info": {"id": "the-id"}},
    ]
    planned = plan({"model_list": entries, "router_settings": {"fallbacks": [{"chat": ["the-id"]}]}})
    assert planned.chains[0].fallbacks == (("the-id", (LiteLlmTarget("groq", "", "", "GROQ_API_KEY"),)),)
    assert not any("dangling" in warning for warning in planned.warnings)


def test_f14_other_fallbacks_have_chains_of_their_own_and_many_groups_are_counted() -> None:
    entries = [{"model_name": f"m{number}", "litellm_params": {"model": "gpt-x"}} for number in range(47)]
    entries[4]["litellm_params"] = {"model": "groq/x"}
    other = {
        "context_window_fallbacks": [{"m1": ["ghost"]}],
        "content_policy_fallbacks": [{"gone": ["m3"]}, {"m2": ["m3", "m4"]}],
    }
    planned = plan({"model_list": entries, "router_settings": other, "general_settings": {}})
    assert planned.warnings == (
        "47 groups have no fallback at all: m0, m1, m2, m3, m4 and 42 more",
        "m1: falls back on 'ghost', which is not in model_list: dangling",
        "content_policy_fallbacks name 'gone', which is not in model_list: dangling",
        "m2 and its fallback m3 share everything: openai (OPENAI_API_KEY)",
    )
    # What shares everything with the primary dies with it.
    assert [(chain.name, chain.fallbacks[0][0]) for chain in planned.chains] == [("m2 (content policy)", "m4")]


def test_a_group_whose_fallback_is_of_the_same_key_is_warned_about_and_has_no_chain() -> None:
    entries = [{"model_name": name, "litellm_params": {"model": name}} for name in ("gpt-x", "gpt-mini")]
    planned = plan({"model_list": entries, "router_settings": {"fallbacks": [{"gpt-x": ["gpt-mini"]}]}})
    assert planned.chains == ()
    assert "gpt-x and its fallback gpt-mini share everything: openai (OPENAI_API_KEY)" in planned.warnings


def test_f14_one_deployment_is_no_plural() -> None:
    entry = {"model_name": "a", "litellm_params": {"model": "gpt-x"}}
    planned = plan({"model_list": [entry], "general_settings": {"background_health_checks": True}})
    assert planned.warnings[-1].endswith("288 a day for 1 deployment")
