"""Trace context of a check: derived from its id, in W3C's form, and only where a monitor asks for it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from probes.checks.traceparent import traceparent_of
from probes.prober import SpecError
from probes.specs.http import HttpSpec, validate
from probes.wire import WIRE_VERSION, Check, check_id

URL = "https://shop.test/"


def check(**more: Any) -> Check:
    return Check(WIRE_VERSION, "mon_1", "http", 1_000, 2_000, 500, msgspec.Raw(b""), **more)


def test_a_trace_has_the_id_of_its_check_and_none_is_made_unasked() -> None:
    spec = HttpSpec(url=URL, traceparent=True)
    found = traceparent_of(check(), spec, "eu")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", found)
    assert found.split("-")[1] == check_id("mon_1", "eu", 1_000).hex
    assert traceparent_of(check(), spec, "eu") == found
    assert len({traceparent_of(check(round="r", look=look), spec, region) for look in (1, 2) for region in "ab"}) == 4
    assert traceparent_of(check(), HttpSpec(url=URL), "eu") == ""


def test_a_header_of_ones_own_and_ours_exclude_each_other() -> None:
    with pytest.raises(SpecError, match="one of `headers` already"):
        validate(HttpSpec(url=URL, traceparent=True, headers=(("TraceParent", "00-1-2-01"),)))
