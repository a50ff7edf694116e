"""Boundaries behind which members and providers write: configurations, schedules, imports, and status feeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from probes.probers import PROBERS, SpecError, decode_spec, encode_spec, parse_spec, validate_secrets
from tests.poison.boundary import Boundary, assert_storable
from tests.poison.changes import ODD_TEXTS, WRITTEN, changed, changed_bytes
from tests.poison.strangers import SECRETS, written
from tests.vigil.alerts.wording.test_golden import CONFIGS
from tests.vigil.feeds import shapes
from vigil.alerts.channels import ChannelSettingsError, check_channel
from vigil.feeds.core.page import FeedUnreadable
from vigil.feeds.formats import parse
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind, next_after, problem_of
from vigil.monitors.core.litellm import plan
from vigil.monitors.core.litellm_targets import BadConfig
from vigil.monitors.litellm_file import parse_config
from vigil.silences.core.windows import ScheduleError, WindowSchedule, check, windows
from vigil.strict_json import InputProblem, check_text, read_json

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
SPECS: dict[str, dict[str, Any]] = {
    "http": {
        "url": "https://example.com/x?a=b", "method": "POST", "headers": [["a", "b"]],
        "assertions": [
            {"type": "jsonpath", "path": "$.data[*].id", "contains": "a"}, {"type": "body_contains", "text": "x"},
            {"type": "latency", "degraded_ms": 9, "down_ms": 50},
        ],
    },
    "tcp": {"host": "example.com", "port": 443, "send": "x", "expect": "y"},
    "domain": {"domain": "example.com", "degraded_days": 30, "server": "https://rdap.example/"},
    "dns": {"name": "example.com", "record": "A", "resolver": "192.0.2.1"},
    "icmp": {"host": "example.com"},
    "tls": {"host": "example.com", "port": 443},
    "grpc": {"host": "example.com", "port": 443, "service": "a"},
    "websocket": {"url": "wss://example.com/x", "send": "x"},
    "redis": {"host": "example.com", "port": 6379},
    "postgresql": {"host": "example.com", "port": 5432, "user": "a"},
    "saturation": {"url": "https://example.com/metrics", "engine": "vllm"},
    "canary": {
        "url": "https://api.openai.com/v1/chat/completions", "form": "openai_chat", "model": "gpt-5.6-luna",
        "monthly_budget": 1, "billing_acknowledged": True,
    },
    "mcp": {"url": "https://example.com/mcp", "call": "search", "arguments": "{}"},
}  # fmt: skip
LITELLM = {
    "model_list": [
        {
            "model_name": "a",
            "litellm_params": {"model": "openai/gpt-4o", "api_base": "https://x.test/v1", "api_key": "k"},
        },
        {"model_name": "a", "litellm_params": {"model": "azure/d", "api_base": "https://y.test"}},
    ],
    "router_settings": {"fallbacks": [{"a": ["b"]}]},
    "credential_list": [{"credential_name": "c", "credential_values": {"api_base": "https://z.test"}}],
}
RSS = (
    b"<?xml version='1.0'?><rss version='2.0'><channel><item><title>Elevated errors</title><guid>1</guid>"
    b"<pubDate>Sun, 01 Mar 2026 11:50:00 GMT</pubDate><description>Investigating</description></item></channel></rss>"
)
FEEDS = [shapes.statuspage(shapes.incident(on="API"), planned=1), shapes.betterstack()]


def as_the_api_gives_it(tree: Any) -> Any:
    """A document as it comes out of the parser of JSON bodies; None for what that refuses."""
    try:
        return read_json(json.dumps(tree).encode())
    except InputProblem:
        return None


def configuration_by_chance(configs: dict[str, dict[str, Any]]) -> Callable[[Random], tuple[str, Any]]:
    def made(dice: Random) -> tuple[str, Any]:
        kind = dice.choice(sorted(configs))
        return kind, as_the_api_gives_it(changed(configs[kind], dice, WRITTEN))

    return made


def read_spec_of(made: tuple[str, Any]) -> None:
    """What is saved of a monitor's configuration can be sent to a region, and read there."""
    kind, config = made
    if not isinstance(config, dict):
        return
    try:
        spec = parse_spec(kind, config)
    except SpecError as refused:
        str(refused).encode()
        return
    assert decode_spec(kind, encode_spec(spec))[1] == spec


def secrets_by_chance(dice: Random) -> tuple[str, Any]:
    kind = dice.choice(sorted(SPECS))
    return kind, as_the_api_gives_it(
        changed({"authorization": "Bearer x", "password": "p", "body": "b"}, dice, WRITTEN)
    )


def read_secrets(made: tuple[str, Any]) -> None:
    kind, secrets = made
    if not isinstance(secrets, dict) or not all(isinstance(one, str) for one in secrets.values()):
        return
    try:
        validate_secrets(kind, secrets)
    except SpecError as refused:
        str(refused).encode()


def read_channel(made: tuple[str, Any]) -> None:
    kind, config = made
    if not isinstance(config, dict):
        return
    try:
        check_channel(kind, config, SECRETS.get(kind, {}))
    except ChannelSettingsError as refused:
        str(refused).encode()


def schedule_by_chance(dice: Random) -> JobSchedule:
    pieces = (
        "*",
        "*/5",
        "0",
        "59",
        "60",
        "1-5",
        "L",
        "W",
        "5#3",
        "mon",
        "?",
        "Mon..Fri",
        "12:00",
        "*-*-* 02:00:00",
        "-1",
        "~",
    )
    expression = " ".join(dice.choice((*pieces, *ODD_TEXTS)) for _ in range(dice.choice((1, 2, 5, 5, 5, 6))))
    zone = dice.choice(("UTC", "Europe/Berlin", "../../etc/passwd", *ODD_TEXTS))
    seconds = dice.choice((0, 1, 60, 86_400, 10**8))
    return JobSchedule(dice.choice(list(ScheduleKind)), timedelta(seconds=seconds), expression, zone)


def read_schedule(schedule: JobSchedule) -> None:
    try:
        check_text(schedule.expression + schedule.zone)
    except InputProblem:
        return
    field, _ = problem_of(schedule, NOW)
    if not field:
        found = next_after(schedule, NOW)
        assert found is not None and found > NOW


def window_by_chance(dice: Random) -> WindowSchedule:
    cron = " ".join(dice.choice(("*", "*/10", "0", "61", "30", "1-5", "L", "1", "8", *ODD_TEXTS)) for _ in range(5))
    edges = (None, NOW, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), NOW + timedelta(hours=1))
    duration = timedelta(seconds=dice.choice((0, -1, 60, 3_600, 86_400 * 8)))
    return WindowSchedule(
        dice.choice(edges),
        dice.choice(edges),
        dice.choice(("", cron, cron)),
        duration,
        dice.choice(("UTC", "Asia/Tokyo")),
    )


def read_window(schedule: WindowSchedule) -> None:
    try:
        check(schedule)
    except ScheduleError as refused:
        str(refused).encode()
        return
    for window in windows(schedule, NOW, NOW + timedelta(days=8)):
        assert window.starts < window.ends


def feed_by_chance(dice: Random) -> bytes:
    if dice.randrange(3) == 0:
        return changed_bytes(RSS.replace(b"1", dice.choice(ODD_TEXTS).encode()), dice)
    return written(json.loads(dice.choice(FEEDS)))(dice)


def read_feed(body: bytes) -> None:
    try:
        _, page = parse(body, NOW)
    except FeedUnreadable as refused:
        str(refused).encode()
        return
    assert_storable([{**asdict(post), "created": str(post.created)} for post in page.posts])
    assert_storable([asdict(component) for component in page.components])
    for post in page.posts:
        assert post.created is None or post.created.utcoffset() == timedelta()


def read_litellm(text: bytes) -> None:
    try:
        plan(parse_config(text))
    except BadConfig as refused:
        str(refused).encode("utf-8", "replace")


#: A kind without a sample of its own is fed what other kinds take.
ANY_SPEC = {"url": "https://example.com/", "host": "example.com", "port": 443}
CONFIGURATIONS = {kind: SPECS.get(kind, ANY_SPEC) for kind in PROBERS}

BOUNDARIES = {
    "configuration of a monitor": Boundary(configuration_by_chance(CONFIGURATIONS), read_spec_of, 0.6),
    "secrets of a monitor": Boundary(secrets_by_chance, read_secrets, 0.5),
    "configuration of a channel": Boundary(
        configuration_by_chance({kind: CONFIGS.get(kind, {}) for kind in SECRETS}), read_channel, 0.5
    ),
    "schedule of a job": Boundary(schedule_by_chance, read_schedule, 0.3),
    "window of a silence": Boundary(window_by_chance, read_window, 0.2),
    "status feed": Boundary(feed_by_chance, read_feed, 0.4),
    "configuration of LiteLLM": Boundary(written(LITELLM), read_litellm, 0.1),
}
