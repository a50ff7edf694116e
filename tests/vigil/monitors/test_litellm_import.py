"""Importing a LiteLLM configuration: sealed keys, chains as rows, and nothing changed the second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from probes.presets import PresetError
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.monitors.changes import update_monitor
from vigil.monitors.composites import MemberLink, write_chain
from vigil.monitors.core.litellm import ImportPlan, plan
from vigil.monitors.core.litellm_drafts import draft_of
from vigil.monitors.core.litellm_targets import BadConfig
from vigil.monitors.litellm_file import SIZE_MOST, parse_config, read_config
from vigil.monitors.litellm_import import Done, carry_out, wanted_addresses, wanted_keys
from vigil.monitors.models import Composite, Monitor, Region

FAKE_KEY = "obviously-fake-key-987654"
ENVIRONMENT = {
    "OPENAI_API_KEY": FAKE_KEY,
    "ANTHROPIC_API_KEY": FAKE_KEY + "-2",
    "AZURE_BASE": "https://x.openai.azure.com/",
}
CONFIG = b"""
x-defaults: &defaults {timeout: 30}
model_list:
  - model_name: chat
    litellm_params: {<<: *defaults, model: openai/gpt-x, api_key: os.environ/OPENAI_API_KEY}
  - model_name: backup
    litellm_params: {model: anthropic/claude-x-20260101, api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: alias
    litellm_params: {model: anthropic/claude-x-latest, api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: local
    litellm_params: {model: ollama_chat/llama3, api_base: "http://10.0.0.5:11434"}
  - model_name: proxied
    litellm_params:
      {model: anthropic/claude-x, api_base: "https://gateway.example/v1", api_key: os.environ/OPENAI_API_KEY}
  - model_name: mine
    litellm_params: {model: azure/my-deployment, api_base: os.environ/AZURE_BASE, api_key: os.environ/OPENAI_API_KEY}
  - model_name: odd
    litellm_params: {model: watsonx/granite}
router_settings:
  fallbacks: [{chat: [backup, local]}]
"""


def planned() -> ImportPlan:
    return plan(parse_config(CONFIG))


def imported() -> dict[str, Done]:
    regions = list(Region.objects.all())
    return {done.name: done for done in carry_out(default_team(), planned(), ENVIRONMENT, regions)}


def monitor(name: str) -> Monitor:
    return Monitor.objects.get(name=name)


@pytest.fixture
def region(db: None) -> Region:
    return Region.objects.create(slug="eu", domain="a")


def test_each_planned_monitor_is_made_by_its_preset(region: Region) -> None:
    done = imported()
    assert done["openai (OPENAI_API_KEY)"].became == "created"
    made = monitor("openai (OPENAI_API_KEY)")
    assert made.config["url"] == "https://api.openai.com/v1/models"
    assert made.config["assertions"][-1]["contains"] == "gpt-x"
    assert dict(made.secrets) == {"bearer": FAKE_KEY}
    assert list(made.regions.all()) == [region]
    assert made.tags == ["litellm"]


def test_no_key_is_stored_in_clear(region: Region) -> None:
    imported()
    with connection.cursor() as cursor:
        cursor.execute("SELECT m::text FROM monitors_monitor m UNION ALL SELECT c::text FROM monitors_composite c")
        assert FAKE_KEY not in str(cursor.fetchall())


def test_a_base_of_its_own_is_asked_in_the_providers_place(region: Region) -> None:
    imported()
    made = monitor("anthropic (gateway.example/v1, OPENAI_API_KEY)")
    assert made.config["url"] == "https://gateway.example/v1/models?limit=1000"
    assert dict(made.secrets) == {"header.x-api-key": FAKE_KEY}


def test_a_base_may_come_from_the_environment(region: Region) -> None:
    imported()
    made = Monitor.objects.get(name__startswith="azure-openai")
    assert made.config["url"].startswith("https://x.openai.azure.com/openai/models")


def test_names_that_no_list_holds_are_not_looked_for(region: Region) -> None:
    imported()
    anthropic = monitor("anthropic (ANTHROPIC_API_KEY)").config["assertions"]
    assert [each["contains"] for each in anthropic if "contains" in each] == ["claude-x-20260101"]
    azure = Monitor.objects.get(name__startswith="azure-openai").config["assertions"]
    assert not any("contains" in each for each in azure)


def test_a_provider_without_a_preset_is_skipped_and_said(region: Region) -> None:
    done = imported()["odd"]
    assert done.became == "skipped"
    assert "the provider 'watsonx' has no preset" in done.why


def test_a_chain_becomes_a_row_with_its_members_in_order(region: Region) -> None:
    imported()
    chain = Composite.objects.get(monitor__name="LiteLLM: chat")
    members = [(member.rank, member.group, member.monitor.name) for member in chain.members.all()]
    assert members == [
        (0, "chat", "openai (OPENAI_API_KEY)"),
        (1, "backup", "anthropic (ANTHROPIC_API_KEY)"),
        (2, "local", "ollama (10.0.0.5:11434)"),
    ]


def test_a_chain_whose_fallbacks_cannot_be_made_warns_of_none_that_has_died(region: Region) -> None:
    without = {name: value for name, value in ENVIRONMENT.items() if name != "ANTHROPIC_API_KEY"}
    alone = plan(parse_config(CONFIG.replace(b"[backup, local]", b"[backup]")))
    done = {one.name: one for one in carry_out(default_team(), alone, without, [region])}
    assert done["anthropic (ANTHROPIC_API_KEY)"].became == "skipped"
    assert done["chain chat"] == Done("chain chat", "skipped", "none of its fallbacks could be created")
    assert not Composite.objects.exists()


def test_importing_twice_changes_nothing(region: Region) -> None:
    imported()
    before = [list(Monitor.objects.values()), list(Composite.objects.values())]
    again = {done.became for done in imported().values()}
    assert again == {"unchanged", "skipped"}
    assert [list(Monitor.objects.values()), list(Composite.objects.values())] == before


def test_what_people_changed_since_stays_theirs(region: Region) -> None:
    imported()
    name = "openai (OPENAI_API_KEY)"
    update_monitor(monitor(name), {"interval_s": 300, "secrets": {"bearer": "newer-key"}})
    done = carry_out(default_team(), planned(), {}, [region])
    assert next(each for each in done if each.name == name).became == "unchanged"
    assert monitor(name).interval_s == 300
    assert dict(monitor(name).secrets) == {"bearer": "newer-key"}


def test_the_variables_that_are_needed_are_named() -> None:
    assert wanted_keys(planned()) == {"ANTHROPIC_API_KEY": True, "OPENAI_API_KEY": True}
    assert wanted_addresses(planned()) == {"AZURE_BASE"}


def test_an_address_out_of_the_environment_that_is_none_is_skipped(region: Region) -> None:
    done = carry_out(default_team(), planned(), {**ENVIRONMENT, "AZURE_BASE": "http://[bad"}, [region])
    (skipped,) = [one for one in done if one.name.startswith("azure-openai")]
    assert skipped.became == "skipped" and "is no address" in skipped.why


def test_f13_an_address_that_is_not_set_is_named(region: Region) -> None:
    without = {name: value for name, value in ENVIRONMENT.items() if name != "AZURE_BASE"}
    done = carry_out(default_team(), planned(), without, [region])
    (skipped,) = [one for one in done if one.name.startswith("azure-openai")]
    assert (skipped.became, skipped.why) == ("skipped", "address: set AZURE_BASE")


def config_of(*deployments: dict[str, object]) -> ImportPlan:
    entries = [{"model_name": f"g{number}", "litellm_params": one} for number, one in enumerate(deployments)]
    return plan({"model_list": entries})


def test_f11_a_monitor_of_two_files_asks_for_the_models_of_both(region: Region) -> None:
    one, other = config_of({"model": "gpt-5-mini"}), config_of({"model": "gpt-5"})
    became = []
    for each in (one, other, one, other):
        (done,) = carry_out(default_team(), each, ENVIRONMENT, [region])
        became.append(done.became)
    assert became == ["created", "changed", "unchanged", "unchanged"]
    asked = [each["contains"] for each in monitor("openai (OPENAI_API_KEY)").config["assertions"] if "contains" in each]
    assert asked == ["gpt-5-mini", "gpt-5"]
    assert done.why == "still asks for gpt-5-mini, which this file lacks"


def test_f11_a_second_proxy_has_monitors_and_chains_of_its_own(region: Region) -> None:
    imported()
    before = Monitor.objects.count()
    carry_out(default_team(), planned(), ENVIRONMENT, [region], "staging")
    assert Monitor.objects.count() == 2 * before
    assert monitor("staging: openai (OPENAI_API_KEY)").config == monitor("openai (OPENAI_API_KEY)").config
    assert Composite.objects.filter(monitor__name="LiteLLM staging: chat").exists()


ASKED = [
    # F5: what LiteLLM asks, with /models instead.
    ({"model": "openai/x", "api_base": "https://gateway.ai.cloudflare.com/v1/a/g/openai", "api_key": "os.environ/K"},
     "https://gateway.ai.cloudflare.com/v1/a/g/openai/models"),
    ({"model": "openai/x", "api_base": "https://generativelanguage.googleapis.com/v1beta/openai",
      "api_key": "os.environ/K"}, "https://generativelanguage.googleapis.com/v1beta/openai/models"),
    ({"model": "openai/x", "api_base": "http://10.0.0.6:8000/v1/"}, "http://10.0.0.6:8000/v1/models"),
    ({"model": "openai/x", "api_base": "http://10.0.0.6:8000"}, "http://10.0.0.6:8000/models"),
    ({"model": "nvidia_nim/meta/llama", "api_key": "os.environ/K"}, "https://integrate.api.nvidia.com/v1/models"),
    ({"model": "nvidia_nim/meta/llama", "api_base": "http://10.0.0.6:8000/v1"}, "http://10.0.0.6:8000/v1/models"),
    ({"model": "hosted_vllm/m", "api_base": "http://10.0.0.6:8000/v1"}, "http://10.0.0.6:8000/v1/models"),
    ({"model": "litellm_proxy/m", "api_base": "http://10.0.0.6:4000/v1"}, "http://10.0.0.6:4000/v1/models"),
    ({"model": "llamafile/m", "api_base": "http://10.0.0.6:8080/v1"}, "http://10.0.0.6:8080/v1/models"),
    ({"model": "triton/x", "api_base": "http://10.0.0.6:8000/v2/models/x/infer"},
     "http://10.0.0.6:8000/v2/models/x/ready"),
    ({"model": "azure/d", "api_base": "https://x.openai.azure.com/openai/v1", "api_key": "os.environ/K"},
     "https://x.openai.azure.com/openai/v1/models"),
    ({"model": "azure_ai/d", "api_base": "https://x.services.ai.azure.com/models", "api_key": "os.environ/K"},
     "https://x.services.ai.azure.com/openai/models?api-version=2024-10-21"),
    ({"model": "mistral/m", "api_base": "https://gw.example/mistral/v1", "api_key": "os.environ/K"},
     "https://gw.example/mistral/v1/models"),
    ({"model": "groq/m", "api_base": "https://api.groq.com/openai/v1"}, "https://api.groq.com/openai/v1/models"),
    ({"model": "bedrock/us-west-2/anthropic.claude-x"}, "https://bedrock.us-west-2.amazonaws.com/"),
]  # fmt: skip


@pytest.mark.parametrize(("deployment", "asked"), ASKED, ids=[asked for _, asked in ASKED])
def test_f4_f5_a_deployment_is_asked_where_litellm_asks(deployment: dict[str, object], asked: str) -> None:
    (only,) = config_of(deployment).monitors
    environment = {"K": FAKE_KEY, "GROQ_API_KEY": FAKE_KEY}
    assert draft_of(only, environment).config["url"] == asked


def test_f1_a_base_from_the_environment_gets_no_other_providers_key() -> None:
    (only,) = config_of(
        {"model": "openai/x", "api_base": "os.environ/B", "api_key": "os.environ/OPENAI_API_KEY"}
    ).monitors
    with pytest.raises(PresetError, match="is the key of OpenAI by its name, and is not sent to Groq"):
        draft_of(only, {"OPENAI_API_KEY": FAKE_KEY, "B": "https://api.groq.com/openai/v1"})


def test_f2_two_servers_with_two_keys_in_the_file_get_no_common_key(region: Region) -> None:
    both = config_of(
        {"model": "openai/a", "api_base": "http://127.0.0.1:19101/v1", "api_key": "sk-one"},
        {"model": "openai/b", "api_base": "http://127.0.0.1:19102/v1", "api_key": "sk-two"},
    )
    carry_out(default_team(), both, {"OPENAI_COMPATIBLE_API_KEY": FAKE_KEY}, [region])
    assert sorted(dict(each.secrets).get("bearer", "") for each in Monitor.objects.all()) == ["", FAKE_KEY]
    assert len({one.target.key for one in both.monitors}) == 2
    assert all(one.why == "" or "is not set" in one.why for one in carry_out(default_team(), both, {}, [region]))


def test_a_chain_holds_monitors_of_its_own_team_only(region: Region) -> None:
    imported()
    other = Team.objects.create(name="Other", slug="other")
    with pytest.raises(ValidationError, match="same team"):
        write_chain(other, "chain", [MemberLink("a", (Monitor.objects.first(),))])  # type: ignore[arg-type]


def test_a_document_that_grows_when_it_is_opened_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(BadConfig, match="too many values"):
        parse_config("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: &a [*a]", "contains itself"),
        (b"a: [1", "the file is not plain YAML in line 1"),
        (b"a: !!python/object/apply:os.system ['true']", "not plain YAML in line 1"),
        (b"a: 1\n---\nb: 2", "not plain YAML in line 2"),
        (b"[" * 20_000, "nested too deeply"),
        (b'a:\n  - "\\ud83d"', "line 2: It holds half a character"),
        (b'a: "\\0"', "line 1: It holds a zero byte"),
        (b"\xff\xfe\xff", "not"),
        (b"a: 2026-99-99", "not YAML text"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_one_line(content: bytes, problem: str) -> None:
    with pytest.raises(BadConfig, match=problem) as refused:
        parse_config(content)
    assert "\n" not in str(refused.value)


def test_a_file_too_large_or_not_there_is_one_line(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b" " * (SIZE_MOST + 1))
    with pytest.raises(BadConfig, match="larger than"):
        read_config(large)
    with pytest.raises(BadConfig, match="cannot read"):
        read_config(tmp_path / "none.yaml")
