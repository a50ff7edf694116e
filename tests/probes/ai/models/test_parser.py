"""What is read of each provider's list of models, as the providers document their answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from probes.ai.models.listed import MODELS_MOST, ListedModel
from probes.ai.models.parser import day_of, is_models_list, parse_models, price_of

OPENAI = {"data": [{"id": "gpt-x", "created": 1750000000, "owned_by": "system", "shutdown_date": "2027-01-14"}]}
AZURE = {"data": [{"id": "gpt-x", "lifecycle_status": "generally-available",
                   "deprecation": {"fine_tune": 1790000000, "inference": 1800000000}}]}  # fmt: skip
MISTRAL = {"data": [{"id": "mistral-x-2506", "aliases": ["mistral-x-latest"], "deprecation": "2026-12-31T12:00:00Z",
                     "deprecation_replacement_model": "mistral-x-2603", "max_context_length": 131072}]}  # fmt: skip
BEDROCK = {"modelSummaries": [{"modelId": "vendor.m-v1:0",
                               "modelLifecycle": {"status": "LEGACY", "endOfLifeTime": 1795000000}}]}  # fmt: skip
ROUTER = {"data": [{"id": "vendor/m", "canonical_slug": "vendor/m-2026-05-01", "context_length": 131072,
                    "expiration_date": "2026-12-05",
                    "pricing": {"prompt": "0.0000001", "completion": "0.0000005"}}]}  # fmt: skip
XAI = {"models": [{"id": "grok-x", "aliases": [], "prompt_text_token_price": 12500,
                   "completion_text_token_price": 25000}]}  # fmt: skip
GEMINI = {"models": [{"name": "models/gemini-x", "inputTokenLimit": 1048576}]}
COHERE = {"models": [{"name": "command-x", "is_deprecated": True, "context_length": 128000}]}
ANTHROPIC = {"data": [{"type": "model", "id": "opus-x", "max_input_tokens": 200000}], "has_more": False}

ANSWERS: list[tuple[str, Any, list[ListedModel]]] = [
    ("openai", OPENAI, [ListedModel("gpt-x", retires="2027-01-14")]),
    ("azure-openai", AZURE, [ListedModel("gpt-x", retires="2027-01-15", stage="generally-available")]),
    (
        "mistral",
        MISTRAL,
        [
            ListedModel("mistral-x-2506", 131072, retires="2026-12-31", replacement="mistral-x-2603"),
            # An alias has no day of its own: it comes to mean another.
            ListedModel("mistral-x-latest", 131072, target="mistral-x-2506"),
        ],
    ),
    ("bedrock", BEDROCK, [ListedModel("vendor.m-v1:0", retires="2026-11-18", stage="legacy")]),
    ("openrouter", ROUTER, [ListedModel("vendor/m", 131072, "0.1", "0.5", "2026-12-05", target="vendor/m-2026-05-01")]),
    ("xai", XAI, [ListedModel("grok-x", price_in="1.25", price_out="2.5")]),
    ("gemini", GEMINI, [ListedModel("gemini-x", 1048576)]),
    ("cohere", COHERE, [ListedModel("command-x", 128000, stage="deprecated")]),
    ("anthropic", ANTHROPIC, [ListedModel("opus-x", 200000)]),
    ("together", [{"id": "org/m", "context_length": 8192}], [ListedModel("org/m", 8192)]),
]


@pytest.mark.parametrize(("provider", "answer", "models"), ANSWERS, ids=[one[0] for one in ANSWERS])
def test_a_list_is_read(provider: str, answer: Any, models: list[ListedModel]) -> None:
    assert parse_models(provider, json.dumps(answer).encode()) == (models, len(models))


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", b"null", b'{"data": "no list"}', b'{"data": {}}', b"[" * 100_000, b'{"object": "list"}']
)
def test_what_is_no_list_of_models_is_none(body: bytes) -> None:
    assert parse_models("openai", body) is None


@pytest.mark.parametrize("backwards", [False, True])
def test_names_of_one_model_that_name_each_other_keep_its_day_and_say_what_they_mean(backwards: bool) -> None:
    dated = {"id": "m-2506", "aliases": ["m-latest", "m"], "deprecation": "2026-12-31T12:00:00Z"}
    rows = [dated, {**dated, "id": "m-latest", "aliases": ["m-2506", "m"]}, {**dated, "id": "m", "aliases": ["m-2506"]}]
    found = parse_models("mistral", json.dumps({"data": rows[::-1] if backwards else rows}).encode())
    assert found is not None and found[0] == [
        ListedModel("m", target="m-2506"), ListedModel("m-2506", retires="2026-12-31"),
        ListedModel("m-latest", target="m-2506"),
    ]  # fmt: skip


@pytest.mark.parametrize("more", [{"has_more": True}, {"nextPageToken": "x" * 300}, {"next_page_token": "x"}])
def test_a_page_of_a_list_is_not_the_whole_list(more: dict[str, Any]) -> None:
    body = json.dumps({"data": [{"id": "a"}], **more}).encode()
    assert parse_models("anthropic", body) == ([ListedModel("a")], 2)


def test_a_hostile_row_costs_no_other() -> None:
    rows: list[Any] = [
        None,
        7,
        {},
        {"id": 7},
        {"id": "x" * 1000},
        {"id": "a\x00b"},
        {"id": "good", "context_length": -1},
    ]
    rows += [{"id": "g2", "pricing": {"prompt": "NaN", "completion": "-1"}, "shutdown_date": "soon", "aliases": {}}]
    rows += [{"id": "good", "context_length": 5}]
    models, total = parse_models("openrouter", json.dumps({"data": rows}).encode()) or ([], 0)
    assert models == [ListedModel("ab"), ListedModel("g2"), ListedModel("good")]
    assert total == 3


def test_a_list_without_end_is_cut_and_says_so() -> None:
    rows = [{"id": f"m-{number:05}"} for number in range(MODELS_MOST + 5)]
    models, total = parse_models("openai", json.dumps({"data": rows}).encode()) or ([], 0)
    assert (len(models), total) == (MODELS_MOST, MODELS_MOST + 5)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2027-01-14", "2027-01-14"),
        ("2026-12-31T23:30:00-05:00", "2027-01-01"),
        ("2026-12-31T12:00:00Z", "2026-12-31"),
        (1800000000, "2027-01-15"),
        (None, ""), ("", ""), ("June 15th, 2026", ""), (True, ""), (0, ""), (-5, ""), (1e300, ""), ("9" * 100, ""),
    ],
)  # fmt: skip
def test_three_forms_of_a_date_are_a_day_in_utc(value: object, day: str) -> None:
    assert day_of(value) == day


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("0.0000001", "0.1"), ("0", "0"), (0.00000025, "0.25"), ("1e-7", "0.1"), ("-1", ""), ("NaN", ""),
        ("Infinity", ""), ("", ""), (None, ""), (True, ""), ("9" * 40, ""), ("1e999999", ""),
    ],
)  # fmt: skip
def test_a_price_is_decimal_for_a_million_tokens(value: object, price: str) -> None:
    assert price_of(value, Decimal(1_000_000)) == price


@pytest.mark.parametrize(
    ("url", "lists"),
    [
        ("https://api.openai.com/v1/models", True),
        ("https://api.anthropic.com/v1/models?limit=1000", True),
        ("https://api.x.ai/v1/language-models", True),
        ("https://bedrock.eu-west-1.amazonaws.com/foundation-models", True),
        ("http://gpu:11434/api/tags", True),
        ("https://api.openai.com/v1/models/gpt-x", False),
        ("https://openrouter.ai/api/v1/key", False),
        ("http://[", False),
    ],
)
def test_a_list_is_known_by_its_address(url: str, lists: bool) -> None:
    assert is_models_list(url) is lists
