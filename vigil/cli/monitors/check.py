"""Check a target once from this machine, exactly as a region worker does: phases, status and reason.

  manage.py check https://api.example.com/health
  manage.py check --secret-env bearer=OPENAI_API_KEY https://api.openai.com/v1/models
  manage.py check --set 'assertions=[{"type": "latency", "degraded_ms": 200}]' https://example.com/
  manage.py check tcp://127.0.0.1:5432     or tls://, redis://, rediss://, postgresql://, grpc://, grpcs://host:port
  manage.py check wss://example.com/feed   or icmp://host, dns://example.com?record=MX&resolver=192.0.2.53
  manage.py check domain://example.com     # days until its registration ends
  manage.py check --preset openai --key-env OPENAI_API_KEY --model gpt-4o-mini
  manage.py check --preset ollama --address http://10.0.0.5:11434 --model llama3
  manage.py check --list-presets
  manage.py check --kind canary --set form=openai_chat --set model=gpt-5.6-luna --set reasoning_effort=none \\
      --set monthly_budget=1 --billing-acknowledged --secret-env bearer=OPENAI_API_KEY \\
      https://api.openai.com/v1/chat/completions    (billed)
  manage.py check --from all https://api.example.com/health      once from every region, instead of from here
  manage.py check --from eu-west,us-east mon_4kq7...             a monitor, from two of its regions

It shows the time of each phase, each assertion with what was found, the certificates, the headers, how the answer is
classified and why, and the alert that would follow; with --explain also the verdict of a monitor, and the rule that
gives it. --set sets any field of the kind's configuration. Keys are read from environment variables, so that they are
in no shell history and no process list.
With VIGIL_URL and VIGIL_TOKEN the regions of that installation check it.
The exit code is 0 when the target is up, 1 when it is not, 2 when the command line is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time

import msgspec

from probes.assertions.redaction import spellings
from probes.checks.attempts import attempt
from probes.net.dialer import Dialer, Resolver
from probes.net.guard import Egress
from probes.net.trace import Keepsake, Trace
from probes.presets import CATALOGUE
from probes.presets.described import described
from probes.prober import PAUSE, ProbeContext, SpecError
from probes.probers import PROBERS, parse_spec, validate_secrets
from probes.reasons import Status
from vigil.cli.errors import CommandError
from vigil.cli.monitors.check_explanation import explained, lines
from vigil.cli.monitors.check_from_regions import MONITOR, run_from_regions
from vigil.cli.monitors.check_target import Asked, add_target_options, asked_for, with_headers
from vigil.cli.monitors.check_view import Look, as_json, render
from vigil.cli.remote.connection import is_remote
from vigil.monitors.costs import canary_estimate, cost_warnings


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", nargs="?", help="an address; its scheme chooses the prober, see above")
    parser.add_argument("--from", dest="regions", metavar="NAMES", help="the regions that check it, or `all`")
    parser.add_argument("--data-dir", help="with --from: the data folder of the running `up`")
    parser.add_argument("--list-presets", action="store_true", help="list the presets, with what each one proves")
    add_target_options(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="0.1 to 60 (default 10, or the preset's)")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="may be repeated")
    parser.add_argument(
        "--egress",
        choices=[egress.value for egress in Egress],
        default=Egress.PRIVATE.value,
        help="private: this machine's networks too (default); public: as a public region, which refuses them",
    )
    parser.add_argument(
        "--explain", action="store_true", help="what the verdict of a monitor would be, and the rule that gives it"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(args: argparse.Namespace) -> int:
    if args.list_presets:
        sys.stdout.write(listed(as_json=args.json))
        return 0
    if args.regions or is_remote() or (args.url or "").startswith(MONITOR):
        return run_from_regions(args)
    asked = asked_for(args)
    timeout_s = args.timeout if args.timeout is not None else asked.timeout_s
    if not 0.1 <= timeout_s <= 60:
        raise CommandError(f"--timeout {timeout_s:g} is not between 0.1 and 60 seconds")
    config = with_headers(asked.config, args.header)
    try:
        spec = parse_spec(asked.kind, config)
        validate_secrets(asked.kind, asked.secrets)
    except SpecError as error:
        raise CommandError(f"{error.field}: {error.problem}") from None
    look = asyncio.run(_look(asked, spec, Egress(args.egress), timeout_s))
    told = explained(look.seen) if args.explain else None
    if args.json:
        sys.stdout.write(json.dumps(as_json(look) | ({"explanation": told} if told else {})) + "\n")
    else:
        sys.stdout.write(render(look) + ("\n" + "\n".join(lines(told)) + "\n" if told else ""))
    if PAUSE in look.seen.facts:
        # It is known only from the first answer; there is no second one.
        raise CommandError(f"{look.seen.facts[PAUSE]} (--billing-acknowledged)")
    return 0 if look.seen.status is Status.UP else 1


def listed(as_json: bool) -> str:
    """The catalogue of presets: for each its name, whether it takes a key, and what its answer proves."""
    if as_json:
        return json.dumps([described(preset) for preset in CATALOGUE.values()]) + "\n"
    width = max(map(len, CATALOGUE))
    return "".join(f"{each.name:<{width}}  key {each.key.value:<8}  {each.says}\n" for each in CATALOGUE.values())


async def _look(asked: Asked, spec: msgspec.Struct, egress: Egress, timeout_s: float) -> Look:
    async with contextlib.AsyncExitStack() as stack:
        resolver = Resolver()
        stack.push_async_callback(resolver.close)
        kept, now_s = Keepsake(), time.time()
        context = ProbeContext(Dialer(egress, resolver), Trace(kept), now_s, explain=True, timeout_s=timeout_s)
        seen = await attempt(PROBERS[asked.kind], spec, asked.secrets, context, timeout_s)
    costs = [f"{each} (one region, every {asked.interval_s} s)" for each in _costs(asked)]
    typed = {f"header.{name}": value for name, value in getattr(spec, "headers", ())}
    return Look(
        asked.target, seen, now_s, kept, spellings({**typed, **asked.secrets}), (*asked.warnings, *costs), asked.kind
    )


def _costs(asked: Asked) -> list[str]:
    canary = canary_estimate(asked.kind, asked.config, asked.interval_s)
    return [*cost_warnings(asked.config, 1, asked.interval_s), *([canary.text] if canary is not None else [])]
