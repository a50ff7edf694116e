"""Every preset makes a monitor that can be saved, names what is missing, and keeps the key apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes.presets import CATALOGUE, Key, PresetError, _plain, build, find
from probes.presets.shape import Preset
from probes.prober import Observation
from probes.probers import parse_spec, validate_secrets
from probes.reasons import Status
from tests.probes.looking import looked
from tests.probes.loopback import answering, serving

FAKE_KEY = "obviously:fake-key"
NAMED = [
    "openai",
    "anthropic",
    "cohere",
    "gemini",
    "azure-openai",
    "bedrock",
    "mistral",
    "groq",
    "together",
    "fireworks",
    "deepseek",
    "xai",
    "openrouter",
    "huggingface",
    "ollama",
    "vllm",
    "litellm",
    "sglang",
    "tgi",
    "tei",
    "llama-cpp",
    "triton",
    "localai",
    "lm-studio",
    "ray-serve",
    "qdrant",
    "weaviate",
    "pinecone",
    "milvus",
    "chroma",
    "postgresql",
    "elasticsearch",
    "redis",
]


def wanted(preset: Preset) -> dict[str, str]:
    given = {"region": "us-east-1", "name": "things", "model": "llama3"}
    asked = {name: given[name] for name in preset.needs if name in given}
    if preset.key is not Key.NONE:
        asked["key"] = FAKE_KEY
    if preset.own_address and preset.kind in ("http", "mcp"):
        asked["address"] = "http://gpu.internal:9000"
    if preset.billed:
        asked["billing_acknowledged"] = "true"
    return asked


@pytest.mark.parametrize("name", NAMED)
def test_the_catalogue_has_every_service_that_people_ask_for(name: str) -> None:
    assert name in CATALOGUE


@pytest.mark.parametrize("preset", CATALOGUE.values(), ids=CATALOGUE)
def test_a_preset_makes_a_complete_monitor(preset: Preset) -> None:
    asked = [wanted(preset)] + ([{**wanted(preset), "model": "some/model"}] if preset.models else [])
    for each in asked:
        made = build(preset.name, each)
        parse_spec(made.kind, made.config)
        validate_secrets(made.kind, made.secrets)
        assert made.doc.startswith("https://")
        assert made.timeout_ms <= made.interval_s * 1000
        assert FAKE_KEY not in repr(made.config)
        assert FAKE_KEY not in repr(made)


@pytest.mark.parametrize("preset", CATALOGUE.values(), ids=CATALOGUE)
def test_a_preset_says_what_its_answer_proves(preset: Preset) -> None:
    assert preset.says.endswith(".")
    assert preset.models is None or preset.models.means


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("opnai", {}, "preset: there is no preset 'opnai': did you mean openai"),
        ("openai", {}, "key: OpenAI answers only with a key"),
        ("openai", {"key": "x", "address": "http://elsewhere"}, "address: OpenAI is at https://api.openai.com"),
        ("ollama", {"key": "x"}, "key: Ollama asks for no key here"),
        ("ollama-loaded", {}, "model: the preset ollama-loaded needs it"),
        ("bedrock", {}, "region: the preset bedrock needs it"),
        ("qdrant", {"model": "x"}, "model: the preset qdrant cannot ask for a model"),
        ("vllm", {"address": "ftp://x"}, "address: looks like http://host:port"),
        ("opensearch", {"key": "x", "address": "http://x"}, "key: OpenSearch has user and password"),
        ("redis", {"address": "nowhere:here"}, "address: looks like host:port"),
        ("vllm", {"adress": "http://x"}, "adress: a preset takes address, billing_acknowledged, key, model"),
        ("litellm-health", {"key": "x"}, "billing_acknowledged: unless background_health_checks is on, every check"),
        ("openrouter-model", {"model": "../../v1/chat"}, "model: is not the name of a model"),
        ("huggingface-mapping", {"model": "/x"}, "model: is not the name of a model"),
    ],
)
def test_what_does_not_make_a_monitor_is_said(name: str, given: dict[str, str], problem: str) -> None:
    with pytest.raises(PresetError) as refused:
        build(name, given)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("llama.cpp", "llama-cpp"), ("llamacpp", "llama-cpp"), ("LM Studio", "lm-studio"), ("OpenAI", "openai"),
        ("azure_openai", "azure-openai"), ("Hugging Face", "huggingface"), ("vllm-model", "vllm"),
        ("openrouter-key", "openrouter"), ("rayserve", "ray-serve"), ("litellm-backlog", "litellm-saturation"),
        ("postgres", "postgresql"), ("Text-Generation-Inference", "tgi"),
    ],
)  # fmt: skip
def test_a_preset_is_found_however_people_write_it(written: str, name: str) -> None:
    assert find(written).name == name


def test_no_two_presets_answer_to_one_name() -> None:
    names = [_plain(name) for preset in CATALOGUE.values() for name in (preset.name, *preset.also)]
    assert len(names) == len(set(names))


def test_a_preset_without_an_address_warns_that_each_region_would_look_at_itself() -> None:
    assert "No address was given" in build("vllm", {}).warnings[-1]
    assert "No address" not in str(build("vllm", {"address": "http://gpu:8000"}).warnings)
    assert build("openai", {"key": FAKE_KEY}).warnings == ()


def test_a_name_within_a_body_cannot_become_more_than_a_name() -> None:
    made = build("milvus-collection", {"address": "http://m:19530", "name": 'a", "dbName": "b'})
    assert json.loads(made.config["body"]) == {"collectionName": 'a", "dbName": "b'}


def test_a_model_is_called_what_the_service_calls_it() -> None:
    def looked_for(name: str, **given: str) -> object:
        return build(name, given).config["assertions"][-1]["contains"]

    assert looked_for("ollama", model="llama3") == "llama3:latest"
    assert looked_for("ollama", model="llama3:8b") == "llama3:8b"
    assert looked_for("gemini", key="x", model="gemini-2.5-flash") == "models/gemini-2.5-flash"
    assert looked_for("gemini", key="x", model="models/gemini-2.5-flash") == "models/gemini-2.5-flash"


def test_a_base_address_that_ends_in_v1_is_understood() -> None:
    made = build("openai-compatible", {"address": "gpu.internal:8000/v1"})

    assert made.config["url"] == "http://gpu.internal:8000/v1/models"


@pytest.mark.parametrize(
    ("address", "config"),
    [
        ("db:5432", {"host": "db", "port": 5432}),
        ("postgresql://vigil@db:6432/app", {"host": "db", "port": 6432, "user": "vigil", "database": "app"}),
        ("watch%40er@[::1]/app", {"host": "::1", "port": 5432, "user": "watch@er", "database": "app"}),
    ],
)
def test_f9_the_address_of_a_database_names_user_and_database(address: str, config: dict[str, Any]) -> None:
    made = build("postgresql", {"address": address, "key": FAKE_KEY})
    assert (made.config, made.secrets) == (config, {"password": FAKE_KEY})


def test_f7_no_password_is_taken_out_of_an_address() -> None:
    with pytest.raises(PresetError, match="host:port"):
        build("postgresql", {"address": f"vigil:{FAKE_KEY}@db/app"})


LISTED = {"data": [{"id": "deepseek-v4-flash"}, {"id": "meta-llama/Llama-3.3-70B-Instruct"}], "object": "list"}


@pytest.mark.parametrize(
    ("preset", "model", "status", "words"),
    [
        pytest.param("openai-compatible", "deepseek-chat", Status.DEGRADED, "it may be an alias", id="B2-16 an alias"),
        pytest.param("openai-compatible", "llama-3.3-70b-instruct", Status.UP, "", id="B2-16 without its owner"),
        pytest.param("vllm", "Meta-Llama/llama-3.3-70b-instruct", Status.UP, "", id="B2-16 in other capitals"),
        pytest.param("vllm", "deepseek-chat", Status.DOWN, "deepseek-v4-flash", id="a model that is not served"),
    ],
)
def test_a_model_that_may_answer_is_no_outage(
    on_loop: Any, preset: str, model: str, status: Status, words: str
) -> None:
    body = json.dumps(LISTED).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)

    async def story() -> Observation:
        async with serving(answering(head + body)) as port:
            made = build(preset, {"address": f"http://127.0.0.1:{port}", "model": model})
            return await looked(made.kind, made.config)

    seen = on_loop(story())
    assert seen.status is status, seen.detail
    assert words in seen.detail


def test_f3_rays_token_is_a_key_that_may_be_given() -> None:
    made = build("ray-serve-applications", {"address": "http://head:8265", "key": FAKE_KEY})
    assert made.secrets == {"bearer": FAKE_KEY}
    assert "auth_token" in CATALOGUE["ray-serve-applications"].says
    assert build("ray-serve-applications", {"address": "http://head:8265"}).secrets == {}
