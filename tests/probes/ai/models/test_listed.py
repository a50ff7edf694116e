"""A region writes models lists itself: what does not fit the bounds is not taken."""

from __future__ import annotations

import msgspec
import pytest

from probes.ai.models.listed import LIST_BYTES_MOST, ListedModel, ModelList, admit_list, encode

ROW = ListedModel("gpt-x", 128_000, "0.25", "1.2", "2027-01-14", "preview", "gpt-x-2026-01-01", "gpt-y")


def told(*models: ListedModel, **more: object) -> bytes:
    fields = {"v": 1, "monitor": "mon_1", "revision": 3, "provider": "openai", "at_ms": 5, "total": len(models), **more}
    return encode.encode(ModelList(models=list(models), **fields))  # type: ignore[arg-type]


def test_a_list_is_taken_as_it_was_told() -> None:
    found = admit_list(told(ROW))
    assert (found.monitor, found.revision, found.models, found.is_whole) == ("mon_1", 3, [ROW], True)


def test_rows_are_cleaned_sorted_and_once_each() -> None:
    spoilt = ListedModel("b\u202e\x00", 0, "1e9", "-1", "2027-1-1", "x\n", "t\x07", "")
    found = admit_list(told(spoilt, ListedModel("a"), ListedModel("a", 5), ListedModel(" ")))
    assert found.models == [ListedModel("a", 5), ListedModel("b", stage="x", target="t")]


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("2027-01-14", True), ("2199-12-31", True), ("2026-99-99", False), ("2027-02-29", False), ("9999-12-31", False),
        ("0000-00-00", False), ("1999-01-01", False), ("", False),
    ],
)  # fmt: skip
def test_only_real_days_of_these_centuries_are_taken(day: str, taken: bool) -> None:
    (row,) = admit_list(told(ListedModel("a", retires=day))).models
    assert row.retires == (day if taken else "")


def test_a_list_that_was_cut_is_not_whole() -> None:
    assert not admit_list(told(ROW, total=9)).is_whole


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xff", told(ListedModel("x" * 161)), told(ListedModel("x", -1)), told(ListedModel("x", 2**40)),
        told(ListedModel("x", stage="y" * 41)), told(ROW, at_ms=-1), told(ROW, monitor="m" * 101),
        told(ROW, monitor="m\0"),
        told(*[ListedModel("x")] * 3_001), b"\x00" * (LIST_BYTES_MOST + 1),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_not_taken(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        admit_list(payload)
