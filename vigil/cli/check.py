"""One check from this machine, exactly as a region worker makes it: its phases, its status and its reason.

  manage.py check https://api.example.com/health
  manage.py check --header 'Authorization: Bearer KEY' https://api.openai.com/v1/models
  manage.py check tcp://127.0.0.1:5432

The exit code is 0 when the target is up, 1 when it is not, 2 when the question was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Mapping

import msgspec

from probes.attempts import attempt
from probes.dialing import Resolver, Way
from probes.guard import Egress
from probes.observation import Observation, Reach, SpecError
from probes.probers import PROBERS, parse_spec
from probes.reasons import Status
from probes.trace import Trace
from probes.wire import Phases
from vigil.cli.errors import CommandError

_BAR = 30
_PHASES = (("dns", "dns_us"), ("connect", "connect_us"), ("tls", "tls_us"), ("first byte", "first_byte_us"))


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="http://, https:// or tcp://host:port")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="0.1 to 60 (default 10)")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="may be repeated")
    parser.add_argument(
        "--egress",
        choices=[egress.value for egress in Egress],
        default=Egress.PRIVATE.value,
        help="private: this machine's networks too (default); public: as a public region, which refuses them",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(args: argparse.Namespace) -> int:
    if not 0.1 <= args.timeout <= 60:
        raise CommandError(f"--timeout {args.timeout:g} is not between 0.1 and 60 seconds")
    kind, config = target_of(args.url)
    if args.header:
        config["headers"] = [list(_header(text)) for text in args.header]
    try:
        spec = parse_spec(kind, config)
    except SpecError as error:
        raise CommandError(f"{error.field}: {error.problem}") from None
    seen = asyncio.run(_look(kind, spec, Egress(args.egress), args.timeout))
    if args.json:
        sys.stdout.write(json.dumps(as_json(args.url, seen)) + "\n")
    else:
        sys.stdout.write(render(args.url, seen))
    return 0 if seen.status is Status.UP else 1


def target_of(url: str) -> tuple[str, dict[str, object]]:
    """The kind of monitor that a URL stands for, and its configuration; raises CommandError."""
    if not url.startswith("tcp://"):
        return "http", {"url": url}
    host, colon, port = url.removeprefix("tcp://").rstrip("/").rpartition(":")
    if not colon or not port.isdecimal() or len(port) > 5:
        raise CommandError("a TCP target is written tcp://host:port, like tcp://127.0.0.1:5432")
    return "tcp", {"host": host.removeprefix("[").removesuffix("]"), "port": int(port)}


def as_json(url: str, seen: Observation) -> dict[str, object]:
    """What one check saw, for scripts."""
    return {"url": url, **msgspec.to_builtins(seen), "phases": msgspec.structs.asdict(seen.phases)}


def render(url: str, seen: Observation) -> str:
    """What one check saw, for people: a headline, a bar for each phase that was reached, and the facts."""
    code = f" {seen.code}" if seen.code else ""
    detail = f": {seen.detail}" if seen.detail else ""
    lines = [f"{seen.status.upper()}  {url}", f"  {seen.reason}{code}{detail}", ""]
    lines += _bars(seen.phases)
    if seen.facts:
        width = max(len(name) for name in seen.facts)
        lines += ["", *(f"  {name.replace('_', ' '):<{width}}  {value}" for name, value in seen.facts.items())]
    return "\n".join(lines) + "\n"


def _bars(phases: Phases) -> list[str]:
    total = max(phases.total_us, 1)
    lines, begun = [], 0
    for label, field in _PHASES:
        took = getattr(phases, field)
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


async def _look(kind: str, spec: msgspec.Struct, egress: Egress, timeout_s: float) -> Observation:
    no_secrets: Mapping[str, str] = {}
    async with contextlib.AsyncExitStack() as stack:
        resolver = Resolver()
        stack.push_async_callback(resolver.close)
        reach = Reach(Way(egress, resolver), Trace(), time.time())
        return await attempt(PROBERS[kind], spec, no_secrets, reach, timeout_s)
