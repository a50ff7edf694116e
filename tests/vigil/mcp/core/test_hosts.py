"""A server answers to the hosts that it is told, and to no other."""

from __future__ import annotations

import pytest

from vigil.mcp.core.hosts import is_allowed

HOSTS = ["vigil.example.com", ".acme.test", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    "authority",
    ["vigil.example.com", "VIGIL.example.com:443", "vigil.example.com.", "acme.test", "a.b.acme.test", "[::1]:8002"],
)
def test_a_host_that_is_named_is_answered(authority: str) -> None:
    assert is_allowed(authority, HOSTS)


@pytest.mark.parametrize(
    "authority",
    ["", ":8002", "example.com", "x.vigil.example.com", "evilacme.test", "127.0.0.1.evil.test", "null", "acme.test:x"],
)
def test_any_other_is_not(authority: str) -> None:
    assert not is_allowed(authority, HOSTS)


def test_a_star_is_any_host_but_none() -> None:
    assert is_allowed("any.test", ["*"]) and not is_allowed("", ["*"])
