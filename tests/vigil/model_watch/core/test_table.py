"""The shipped table is sound, a file of one's own counts before it, and what is wrong with one is said."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import vigil.model_watch
from vigil.model_watch.core.table import RetirementTable, TableUnusable, joined, read_table
from vigil.model_watch.core.used_models import PROVIDERS

SHIPPED = read_table((Path(vigil.model_watch.__file__).parent / "retirements.json").read_bytes(), "retirements.json")
TABLE = joined(None, SHIPPED)
ENTRY: dict[str, Any] = {
    "provider": "openai", "models": ["gpt-x"], "retires": "2030-06-01", "source": "the page", "read": "2030-01-01",
}  # fmt: skip


def file(*entries: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"as_of": "2030-01-01", "entries": list(entries), **more}).encode()


def day(table: RetirementTable, provider: str, model: str) -> str:
    entry = table.entry_of(provider, model)
    return "unknown" if entry is None else str(entry.retires or "")


@pytest.mark.parametrize(
    ("provider", "model", "retires"),
    [
        ("openai", "gpt-5", "2026-12-11"),
        ("azure-openai", "gpt-5", "2027-02-06"),
        ("openai", "gpt-4o-2024-05-13", "2026-10-23"),
        ("openai", "gpt-4o", "2027-01-14"),
        ("openai", "GPT-5-Mini", "2026-12-11"),
        ("openai", "gpt-5.1-2025-11-13", "2027-04-01"),
        # The table names snapshots of it, and not this one.
        ("openai", "gpt-5-2026-04-02", "unknown"),
        ("openai", "gpt-5-turbo", "unknown"),
        ("openai", "gpt-5-latest", "unknown"),
        ("anthropic", "claude-3-7-sonnet-20250219", "2026-02-19"),
        ("anthropic", "claude-sonnet-4-5", "2026-11-30"),
        ("anthropic", "claude-haiku-4-5", ""),
        ("bedrock", "us.anthropic.claude-opus-4-20250514-v1:0", "2026-05-31"),
        ("bedrock", "us.anthropic.claude-opus-4-20250514-v1:0-beta", "unknown"),
        ("gemini", "models/gemini-2.5-pro", "2026-12-01"),
        ("vertex", "gemini-2.5-pro", "unknown"),
        ("xai", "grok-4-fast-reasoning", "2026-05-15"),
        ("mistral", "gpt-5", "unknown"),
    ],
)
def test_the_day_of_a_model_is_that_of_its_own_provider(provider: str, model: str, retires: str) -> None:
    assert day(TABLE, provider, model) == retires


def test_every_shipped_entry_has_a_known_provider_a_source_and_a_day_of_reading() -> None:
    assert {entry.provider for entry in SHIPPED.entries} <= PROVIDERS.keys()
    assert all(entry.source and entry.read <= SHIPPED.as_of for entry in SHIPPED.entries)
    named = [(entry.provider, model) for entry in SHIPPED.entries for model in entry.models]
    assert len(named) == len(set(named))


def test_a_file_of_ones_own_counts_before_the_shipped_table() -> None:
    own = read_table(file({**ENTRY, "models": ["gpt-5"]}, {**ENTRY, "provider": "my-gateway"}), "own.json")
    table = joined(own, SHIPPED)
    assert day(table, "openai", "gpt-5") == "2030-06-01"
    assert day(table, "openai", "gpt-5-2025-08-07") == "2026-12-11"
    assert day(table, "my-gateway", "gpt-x") == "2030-06-01"
    assert table.as_of == date(2030, 1, 1)


def test_a_table_may_be_yaml() -> None:
    text = "as_of: 2030-01-01\nentries:\n- {provider: openai, models: [gpt-x], source: page, read: 2030-01-01}\n"
    assert read_table(text.encode(), "own.yaml").entries[0].models == ["gpt-x"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "own.json: "),
        (b"[]", "Expected `object`"),
        (file({**ENTRY, "retires": "soon"}), "$.entries[0].retires"),
        (file(ENTRY, {**ENTRY, "provider": "Open AI"}), "$.entries[1].provider"),
        (file({**ENTRY, "models": []}), "$.entries[0].models"),
        (file({**ENTRY, "model": "x"}), "unknown field `model`"),
        (file({key: value for key, value in ENTRY.items() if key != "source"}), "missing required field `source`"),
        (b" " * 2_000_000, "larger than 1024 KiB"),
        (b"\xff\xfe", "own.json: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(content: bytes, problem: str) -> None:
    with pytest.raises(TableUnusable) as refused:
        read_table(content, "own.json")
    assert problem in str(refused.value)
