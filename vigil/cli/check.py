"""One check from this machine, exactly as a region worker makes it: its phases, its status and its reason.

  manage.py check https://api.example.com/health
  manage.py check --header 'Authorization: Bearer KEY' https://api.openai.com/v1/models
  manage.py check tcp://127.0.0.1:5432          or tls://, redis://, postgresql://
  manage.py check --preset openai --key-env OPENAI_API_KEY --model gpt-4o-mini
  manage.py check --preset ollama --address http://10.0.0.5:11434 --model llama3
  manage.py check --list-presets

A key is read from the environment variable that --key-env names, so that it is in no history and no process list.
The exit code is 0 when the target is up, 1 when it is not, 2 when the question was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from consensus.verdicts import Observed, observed
from probes.attempts import attempt
from probes.dialing import Resolver, Way
from probes.guard import Egress
from probes.observation import Observation, Reach, SpecError
from probes.presets import CATALOGUE, PresetError, build
from probes.probers import PROBERS, parse_spec, validate_secrets
from probes.reasons import Reason, Status
from probes.trace import Trace
from probes.wire import Phases
from vigil.cli.errors import CommandError

_BAR = 30
_PHASES = (("dns", "dns_us"), ("connect", "connect_us"), ("tls", "tls_us"), ("first byte", "first_byte_us"))
#: Kinds that are written like a URL of their own, with their usual port (0: it has to be said).
_PORTS = {"tcp": 0, "tls": 443, "redis": 6379, "postgresql": 5432}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "url", metavar="URL", nargs="?", help="http://, https://, or tcp://, tls://, redis://, postgresql://host:port"
    )
    parser.add_argument("--list-presets", action="store_true", help="list the presets and what each of them proves")
    parser.add_argument("--preset", metavar="NAME", help="check a known AI service or server instead of a URL")
    parser.add_argument("--key-env", metavar="VARIABLE", help="the environment variable that holds the key")
    for name, about in (
        ("address", "where your own server is, like http://localhost:11434"),
        ("model", "a model that should be there"),
        ("region", "the provider's region, where a preset needs one"),
        ("name", "the index, collection or model that a preset is about"),
    ):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=about)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="0.1 to 60 (default 10, or the preset's)")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="may be repeated")
    parser.add_argument(
        "--egress",
        choices=[egress.value for egress in Egress],
        default=Egress.PRIVATE.value,
        help="private: this machine's networks too (default); public: as a public region, which refuses them",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(args: argparse.Namespace) -> int:
    if args.list_presets:
        sys.stdout.write(listed(as_json=args.json))
        return 0
    asked = asked_for(args)
    timeout_s = args.timeout if args.timeout is not None else asked.timeout_s
    if not 0.1 <= timeout_s <= 60:
        raise CommandError(f"--timeout {timeout_s:g} is not between 0.1 and 60 seconds")
    config = dict(asked.config)
    if args.header:
        config["headers"] = [*config.get("headers", []), *(list(_header(text)) for text in args.header)]
    try:
        spec = parse_spec(asked.kind, config)
        validate_secrets(asked.kind, asked.secrets)
    except SpecError as error:
        raise CommandError(f"{error.field}: {error.problem}") from None
    seen = asyncio.run(_look(asked, spec, Egress(args.egress), timeout_s))
    if args.json:
        sys.stdout.write(json.dumps(as_json(asked.target, seen)) + "\n")
    else:
        sys.stdout.write(render(asked.target, seen))
    return 0 if seen.status is Status.UP else 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What one check is of: `secrets` apart from the configuration, as in a monitor."""

    target: str
    kind: str
    config: dict[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 10.0


def asked_for(args: argparse.Namespace) -> Asked:
    """The check that the command line asks for: of a URL, or of a preset. Raises CommandError."""
    given = {name: getattr(args, name) for name in ("address", "model", "region", "name") if getattr(args, name)}
    if args.preset is None:
        if not args.url:
            raise CommandError("name a URL, or a preset with --preset; --list-presets lists them")
        if given or args.key_env:
            raise CommandError(f"--{'key-env' if args.key_env else next(iter(given))} goes with --preset")
        kind, config = target_of(args.url)
        return Asked(args.url, kind, config)
    if args.url:
        raise CommandError("name a URL or a preset, not both; --address says where your own server is")
    if args.key_env:
        if not os.environ.get(args.key_env):
            raise CommandError(f"the environment variable {args.key_env} is not set or empty")
        given["key"] = os.environ[args.key_env]
    try:
        made = build(args.preset, given)
    except PresetError as problem:
        raise CommandError(f"--{problem.field.replace('key', 'key-env')}: {problem.problem}") from None
    target = str(made.config.get("url") or f"{made.kind}://{made.config.get('host')}:{made.config.get('port')}")
    return Asked(target, made.kind, made.config, made.secrets, made.timeout_ms / 1000)


def listed(as_json: bool) -> str:
    """The catalogue of presets: for each its name, whether it takes a key, and what its answer proves."""
    if as_json:
        rows = [
            {"name": each.name, "title": each.title, "key": each.key.value, "says": each.says, "doc": each.doc}
            for each in CATALOGUE.values()
        ]
        return json.dumps(rows) + "\n"
    width = max(map(len, CATALOGUE))
    return "".join(f"{each.name:<{width}}  key {each.key.value:<8}  {each.says}\n" for each in CATALOGUE.values())


def target_of(url: str) -> tuple[str, dict[str, object]]:
    """The kind of monitor that a URL stands for, and its configuration; raises CommandError."""
    kind, separator, rest = url.partition("://")
    if not separator or kind not in _PORTS:
        return "http", {"url": url}
    host, colon, port = rest.rstrip("/").rpartition(":")
    if not colon and _PORTS[kind]:
        host, port = rest.rstrip("/"), str(_PORTS[kind])
    if not host or not port.isdecimal() or len(port) > 5:
        example = f"{kind}://127.0.0.1:{_PORTS[kind] or 5432}"
        raise CommandError(f"a {kind.upper()} target is written {kind}://host:port, like {example}")
    return kind, {"host": host.removeprefix("[").removesuffix("]"), "port": int(port)}


def as_json(url: str, seen: Observation) -> dict[str, object]:
    """What one check saw, for scripts."""
    return {"url": url, **msgspec.to_builtins(seen), "phases": msgspec.structs.asdict(seen.phases)}


def render(url: str, seen: Observation) -> str:
    """What one check saw, for people: a headline, a bar for each phase that was reached, and the facts."""
    code = f" {seen.code}" if seen.code else ""
    detail = f": {seen.detail}" if seen.detail else ""
    lines = [f"{seen.status.upper()}  {url}", f"  {seen.reason}{code}{detail}", ""]
    lines += _bars(seen.phases)
    if seen.outcomes:
        lines.append("")
    for outcome in seen.outcomes:
        mark = "holds " if outcome.passed else "fails "
        found = "" if outcome.passed else f"; found {outcome.found}"
        lines.append(f"  {mark} {outcome.expected}{found}")
    if seen.facts:
        width = max(len(name) for name in seen.facts)
        lines += ["", *(f"  {name.replace('_', ' '):<{width}}  {value}" for name, value in seen.facts.items())]
    return "\n".join([*lines, "", f"  {consequence(seen.status, seen.reason)}"]) + "\n"


def consequence(status: Status, reason: Reason) -> str:
    """What a quorum of regions that saw this would make of it."""
    match observed(status, reason):
        case Observed.PASSING:
            return "In a monitor: nothing to tell."
        case Observed.ACCOUNT:
            return "In a monitor: an account incident. The key or the request is at fault; this is not an outage."
        case Observed.DEGRADED:
            return "In a monitor: a degraded incident, once a quorum of regions sees it."
        case Observed.FAILING:
            return "In a monitor: an outage, once a quorum of regions sees it in every look."
        case None:
            return "In a monitor: no vote. This says nothing of the target."


def _bars(phases: Phases) -> list[str]:
    total = max(phases.total_us, 1)
    lines, begun = [], 0
    for label, phase in _PHASES:
        took = getattr(phases, phase)
        if took:
            lines.append(_bar(label, begun, took, total))
            begun += took
    rest = phases.total_us - begun
    if lines and rest * _BAR >= total:
        lines.append(_bar("rest", begun, rest, total))
    return [*lines, f"  {'total':<10} {' ' * _BAR} {phases.total_us / 1000:>9.1f} ms"]


def _bar(label: str, begun: int, took: int, total: int) -> str:
    start = min(_BAR - 1, begun * _BAR // total)
    length = min(max(1, round(took * _BAR / total)), _BAR - start)
    bar = " " * start + "━" * length
    return f"  {label:<10} {bar:<{_BAR}} {took / 1000:>9.1f} ms"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise CommandError("a header is written 'Name: value'")
    return name.strip(), value.strip()


async def _look(asked: Asked, spec: msgspec.Struct, egress: Egress, timeout_s: float) -> Observation:
    async with contextlib.AsyncExitStack() as stack:
        resolver = Resolver()
        stack.push_async_callback(resolver.close)
        reach = Reach(Way(egress, resolver), Trace(), time.time(), explain=True)
        return await attempt(PROBERS[asked.kind], spec, asked.secrets, reach, timeout_s)
