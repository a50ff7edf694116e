"""Hostile configurations: whatever a member writes, a worker's time and memory stay bounded."""

from __future__ import annotations

import time
from typing import Any

import pytest

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import judge
from probes.assertions.regex import SIZE_LIMIT, BadPattern, compiled
from probes.net.http.location import follow
from probes.net.targets import BadTarget, parse_url
from probes.net.tls import certificates
from probes.prober import SpecError
from probes.probers import SPEC_MOST, decode_spec, encode_spec, parse_spec, validate_secrets
from probes.reasons import Reason
from probes.seal import Opener, Sealer, binding, generate_keypair

URL = "http://example.com/"
HALF = "\ud800"


def refused(kind: str, config: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as problem:
        parse_spec(kind, config)
    assert HALF not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("http", {"url": URL, "body": HALF}),
        ("http", {"url": URL + HALF}),
        ("http", {"url": URL, "headers": [["X-A", HALF]]}),
        ("http", {"url": URL, "assertions": [{"type": "body_contains", "text": HALF}]}),
        ("tcp", {"host": "a.example", "port": 1, "send": HALF}),
        ("websocket", {"url": "ws://a.example/", "send": HALF}),
        ("dns", {"name": "a.example", "expected": [HALF]}),
        ("http", {"url": URL, "assertions": [{"type": "latency", "degraded_ms": 10**30}]}),
    ],
)
def test_what_could_not_be_sent_to_a_worker_is_refused_at_save(kind: str, config: dict[str, Any]) -> None:
    assert "holds" in refused(kind, config) or "not" in refused(kind, config)


@pytest.mark.parametrize("kind", ["http", "redis", "grpc", "websocket"])
def test_a_secret_that_could_not_be_sealed_is_refused_at_save(kind: str) -> None:
    with pytest.raises(SpecError, match="half a character"):
        validate_secrets(kind, {"password" if kind == "redis" else "bearer": f"obviously-fake-{HALF}"})


def test_a_configuration_has_a_size() -> None:
    headers = [[f"X-{number}", "y" * 4_000] for number in range(20)]
    assert refused("http", {"url": URL, "headers": headers, "body": "z" * 60_000}) == (
        f"config: is larger than {SPEC_MOST // 1024} KiB"
    )
    assert refused("http", {"url": URL, "expected_status": ["200"] * 51}) == (
        "expected_status: at most 50 codes and ranges"
    )


def test_a_pattern_that_would_take_minutes_is_refused_at_save() -> None:
    for pattern in (r"(?:[^y]?){1000}z", r"(?:" + "[a-x]?" * 8 + "){900}z"):
        with pytest.raises(BadPattern, match="use fewer repetitions"):
            compiled(pattern)


def test_patterns_that_are_too_heavy_together_are_refused_with_what_to_do() -> None:
    heavy = {"type": "regex", "pattern": "[ab]*a[ab]{300}z"}
    parse_spec("http", {"url": URL, "assertions": [heavy] * 4})
    assert "too heavy together: simplify them" in refused("http", {"url": URL, "assertions": [heavy] * 6})
    config = {"url": URL, "assertions": [heavy], "body_limit": 1_048_576}
    assert refused("http", config).endswith("or lower `body_limit` (1048576 bytes)")


def test_the_heaviest_patterns_that_are_allowed_hold_nobody_up_for_long() -> None:
    worst = r"(?:[^y]?){100}z"
    assert compiled(worst).programsize < SIZE_LIMIT
    body = b"ab" * 32_768
    begun = time.process_time()
    compiled(worst).search(body)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize(
    "path",
    [
        "$..[?@..[?@..id]]",
        "$[?search(@, '(?:[^y]?){90}z')]",
        "$[?search(@, $[0])]",
        "$[?match(@, @)]",
    ],
)
def test_paths_that_are_too_heavy_stop_and_so_do_all_of_one_check_together(path: str) -> None:
    body = b'["(a?){50}b"' + b"".join(b',"%d%s"' % (n, b"x" * 300) for n in range(1500)) + b"]"
    spec: Any = parse_spec(
        "http", {"url": URL, "assertions": [{"type": "jsonpath", "path": path, "exists": True}] * 20}
    )
    begun = time.process_time()
    outcomes = judge(spec.assertions, AnswerView(1_000, 0.0, 200, (), body))
    assert time.process_time() - begun < 3.0
    assert Reason.PROBE_ERROR not in {outcome.reason for outcome in outcomes}


def test_what_is_remembered_of_large_things_is_little() -> None:
    opener = Opener(generate_keypair()[0])
    large = {"client_key": "k" * 8_000}
    sealer, bound = Sealer(opener.public), binding("eu-west", "mon_a", "http", b"")
    boxes = [sealer.seal_secrets({**large, "spare": str(number)}, bound) for number in range(3)]
    assert [opener.secrets(box, bound)["client_key"] for box in boxes] == [large["client_key"]] * 3
    assert not opener._opened
    small = sealer.seal_secrets({"bearer": "obviously-fake"}, bound)
    assert opener.secrets(small, bound) is opener.secrets(small, bound)
    before = certificates._read_small.cache_info().currsize
    assert certificates.read(b"\x30" * 50_000) is None
    assert certificates._read_small.cache_info().currsize == before


def test_specs_are_decoded_once_whether_small_or_large() -> None:
    for body in ("", "x" * 5_000):
        encoded = encode_spec(parse_spec("http", {"url": URL, "body": body}))
        assert decode_spec("http", encoded)[1] is decode_spec("http", encoded)[1]


def test_where_a_server_redirects_to_is_not_remembered() -> None:
    base = parse_url(URL)
    before = parse_url.cache_info().currsize
    for number in range(50):
        assert follow(base, f"/there/{number}").target.path == f"/there/{number}"
    with pytest.raises(BadTarget):
        follow(base, "ftp://elsewhere.example/")
    assert parse_url.cache_info().currsize == before
