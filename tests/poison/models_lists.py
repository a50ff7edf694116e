"""Models lists: what a provider answers, what a region tells of it, and a table of retirements."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from probes.ai.models.listed import ListedModel, ModelList, admit_list
from probes.ai.models.parser import parse_models
from tests.poison.boundary import Boundary, assert_storable, packed
from tests.poison.changes import changed, changed_bytes
from tests.probes.ai.models.test_parser import ANSWERS
from vigil.model_watch.core.drift import DriftState, decide
from vigil.model_watch.core.drift_words import before_and_after, title_of
from vigil.model_watch.core.table import TableUnusable, joined, read_table
from vigil.notices.core.notice import Notice, NoticeKind, admitted

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LISTED = [ListedModel("gpt-x", 128_000, "0.25", "1.2", "2027-01-14", "preview", "gpt-x-1", "gpt-y"), ListedModel("b")]
TOLD = ModelList(1, "mon_a", 7, "openai", 1_800_000_000_000, LISTED, 2)
TABLE = {"as_of": "2030-01-01", "entries": [
    {"provider": "openai", "models": ["gpt-x", "*-5-*"], "retires": "2030-06-01", "source": "p", "read": "2030-01-01"}
]}  # fmt: skip


def answer_by_chance(dice: Random) -> tuple[str, bytes]:
    provider, answer, _ = dice.choice(ANSWERS)
    try:
        text = json.dumps(changed(answer, dice)).encode()
    except (TypeError, ValueError, UnicodeEncodeError):
        text = json.dumps(answer).encode()
    return provider, changed_bytes(text, dice)


def read_answer(message: tuple[str, bytes]) -> None:
    """What is read of it is told, admitted, and makes a notice."""
    found = parse_models(*message)
    if found is not None:
        told = ModelList(1, "mon_a", 7, message[0], 5, *found)
        assert admit_list(msgspec.msgpack.encode(told)).models == found[0]
        read_rows(found[0])


def read_told(payload: bytes) -> None:
    try:
        found = admit_list(payload)
    except msgspec.DecodeError:
        return
    assert_storable(found)
    read_rows(found.models)


def read_rows(rows: list[ListedModel]) -> None:
    assert all(row.retires == "" or date.fromisoformat(row.retires) for row in rows)
    seen = {"eu": {row.id: row for row in rows}}
    state = decide(DriftState({row.id: row for row in LISTED}), seen, NOW).state
    told = decide(state, seen, NOW + timedelta(hours=9)).tell
    if told:
        before, after = before_and_after(told)
        notice = Notice(1, NoticeKind.MODELS_CHANGED, "k", title_of("OpenAI", told), NOW, None, before, after)
        assert_storable([admitted(notice).title, admitted(notice).before, admitted(notice).after])


def table_by_chance(dice: Random) -> bytes:
    try:
        return changed_bytes(json.dumps(changed(TABLE, dice)).encode(), dice)
    except (TypeError, ValueError, UnicodeEncodeError):
        return changed_bytes(json.dumps(TABLE).encode(), dice)


def read_file(content: bytes) -> None:
    for name in ("own.json", "own.yaml"):
        try:
            table = joined(read_table(content, name), read_table(json.dumps(TABLE).encode(), "t.json"))
        except TableUnusable as refused:
            str(refused).encode()
            continue
        for entry in table.entries:
            for model in entry.models:
                table.entry_of(entry.provider, model)


def as_pairs(read: Callable[[tuple[str, bytes]], None]) -> Callable[[Any], None]:
    """Finds are kept in JSON, where a pair is a list."""
    return lambda message: read((message[0], message[1]))


BOUNDARIES = {
    "models list of a provider": Boundary(answer_by_chance, as_pairs(read_answer), 0.3),
    "models list of a region": Boundary(packed(TOLD), read_told, 0.3),
    "table of retirements": Boundary(table_by_chance, read_file, 0.1),
}
