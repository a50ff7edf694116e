"""Specs: a monitor's configuration is refused at save with one line that says what is wrong."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from probes.probers import PROBERS, SpecError, decode_spec, encode_spec, parse_spec, validate_secrets

URL = {"url": "https://example.com/"}


@pytest.mark.parametrize(
    ("kind", "config", "line"),
    [
        ("htp", URL, f"kind: 'htp' is not one of {', '.join(sorted(PROBERS))}"),
        ("http", {}, "url: is required"),
        ("http", {"url": 5}, "url: Expected `str`, got `int`"),
        ("http", {"url": "example.com"}, "url: a URL starts with http:// or https://"),
        ("http", {"url": "http://127.1/"}, "url: write the IP address '127.1' as four plain numbers, like 192.0.2.1"),
        (
            "tcp",
            {"host": "example.com", "port": 1, "address": "x"},
            "address: is not a field of tcp, which takes assertions, ca_pem, expect, family, host, min_tls, port, "
            "send, server_name, tls, verify_tls",
        ),
        ("http", {**URL, "assertions": [{"type": "latency", "foo": 1}]}, "assertions[0].foo: is not known here"),
        ("http", {**URL, "method": "BREW"}, "method: is one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"),
        ("http", {**URL, "headers": [["A\r\nB", "x"]]}, "headers: 'A\\r\\nB' is not a header name"),
        (
            "http",
            {**URL, "headers": [["A", "x\r\nB: y"]]},
            "headers: the value of A must not hold line breaks or control characters",
        ),
        (
            "http",
            {**URL, "headers": [["Content-Length", "1"]]},
            "headers: Content-Length is set by the transport and cannot be given",
        ),
        ("http", {**URL, "headers": [["A", "x"]] * 21}, "headers: at most 20"),
        (
            "http",
            {**URL, "expected_status": ["2xx"]},
            "expected_status: '2xx' is neither a code like 200 nor a range like 200-299",
        ),
        (
            "http",
            {**URL, "expected_status": ["299-200"]},
            "expected_status: '299-200' is not within 100 to 999, smaller first",
        ),
        ("http", {**URL, "expected_status": []}, "expected_status: name at least one code, like 200 or 200-299"),
        ("http", {**URL, "body_limit": 2_000_000}, "body_limit: is between 0 and 1048576 bytes"),
        (
            "http",
            {**URL, "assertions": [{"type": "body_contains", "text": ""}]},
            "assertions[0]: `text` has 1 to 1000 characters",
        ),
        (
            "http",
            {**URL, "assertions": [{"type": "latency", "degraded_ms": 9, "down_ms": 5}]},
            "assertions[0]: `degraded_ms` is below `down_ms`",
        ),
        ("tcp", {"host": "example.com"}, "port: is required"),
        ("tcp", {"host": "example.com", "port": 0}, "port: is between 1 and 65535"),
        ("tcp", {"host": "exa mple", "port": 1}, "host: 'exa mple' is not a host name"),
    ],
)
def test_a_bad_configuration_is_refused_with_one_helpful_line(kind: str, config: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(kind, config)
    assert str(refused.value) == line


def test_an_unknown_assertion_is_refused() -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("http", {**URL, "assertions": [{"type": "vibes"}]})
    assert refused.value.field.startswith("assertions")


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("http", URL),
        ("http", {**URL, "method": "POST", "body": "{}", "headers": [["A", "b"]], "expected_status": ["200", "404"]}),
        ("http", {**URL, "assertions": [{"type": "latency", "down_ms": 5}, {"type": "body_contains", "text": "x"}]}),
        ("tcp", {"host": "2001:db8::1", "port": 6379}),
    ],
)
def test_a_spec_survives_its_way_to_the_region(kind: str, config: dict[str, Any]) -> None:
    spec = parse_spec(kind, config)
    assert decode_spec(kind, encode_spec(spec)) == (PROBERS[kind], spec)


@pytest.mark.parametrize("encoded", [b"", b"\xff", msgspec.msgpack.encode({"url": "file:///"}), b"\x81\xa1a\x01"])
def test_a_spec_that_is_none_is_refused_by_the_region_too(encoded: bytes) -> None:
    with pytest.raises(SpecError):
        decode_spec("http", encoded)


@pytest.mark.parametrize(
    "secrets",
    [
        {"password": "x"},
        {"basic": "no-colon-here"},
        {"bearer": "line\nbreak"},
        {"header.Bad Name": "x"},
        {"header.Host\r\n": "x"},
        {"header.Transfer-Encoding": "chunked"},
    ],
)
def test_secrets_that_could_not_be_sent_are_refused_without_repeating_them(secrets: dict[str, str]) -> None:
    with pytest.raises(SpecError) as refused:
        validate_secrets("http", secrets)
    assert "no-colon-here" not in str(refused.value)
    assert "break" not in str(refused.value).replace("line breaks", "")


def test_the_secrets_a_prober_knows_are_accepted() -> None:
    validate_secrets("http", {"bearer": "a", "header.X-Api-Key": "k"})
    validate_secrets("http", {"basic": "u:p"})


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("kind", sorted(PROBERS))
def test_whatever_stands_in_a_field_it_is_taken_or_refused_with_the_one_error(kind: str) -> None:
    usual = {"url": "https://x.example/", "host": "x.example", "port": 1, "domain": "example.com", "engine": "vllm"}
    names = [each.name for each in msgspec.structs.fields(PROBERS[kind].spec)]
    known = {name: value for name, value in usual.items() if name in names}
    odd = ["\x00", "\ud800", 2**63, -1, float("nan"), None, True, "x" * 70_000, {"a": {}}, nested(5_000)]
    for name in names:
        for value in odd:
            with contextlib.suppress(SpecError):
                parse_spec(kind, {**known, name: value})
