"""Releases of Redis and Valkey with known holes are told apart from those without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from probes.process.connections.releases import PATCHED, is_patched, patched_releases, release_of

README = Path(__file__).resolve().parents[4] / "deploy" / "README.md"


@pytest.mark.parametrize(
    ("name", "version", "patched"),
    [
        ("Redis", "6.2.14", False), ("Redis", "6.2.24", True), ("Redis", "7.0.15", False), ("Redis", "7.2.15", False),
        ("Redis", "7.4.11", True), ("Redis", "7.4.12", True), ("Redis", "8.0.9", False), ("Redis", "8.10.0", False),
        ("Redis", "8.12.0", True), ("Redis", "9.0", True), ("Redis", "unknown", False), ("Redis", "", False),
        ("Valkey", "8.1.8", False), ("Valkey", "8.1.9", True), ("Valkey", "9.1.0", False), ("Valkey", "9.2.0", True),
        ("Valkey", "7.2.99", False),
    ],
)  # fmt: skip
def test_s03_a_release_with_known_holes_is_told(name: str, version: str, patched: bool) -> None:
    assert is_patched(name, version) == patched


def test_valkey_is_judged_by_its_own_version_and_not_by_the_redis_it_is_like() -> None:
    told = {"server_name": "valkey", "redis_version": "7.2.4", "valkey_version": "8.1.9"}
    assert release_of(told) == ("Valkey", "8.1.9")
    assert release_of({"redis_version": "7.4.1"}) == ("Redis", "7.4.1")


def test_the_guide_names_the_same_releases() -> None:
    text = re.sub(r"\s+", " ", README.read_text())
    assert all(f"{name} {patched_releases(name)}" in text for name in PATCHED)
