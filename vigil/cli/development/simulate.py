"""Test the decision law under simulated faults: the real core on a virtual clock, in worlds whose truth is known.

  manage.py simulate --hours 2000                        a mixture of worlds, 2,000 monitor-hours in all
  manage.py simulate --world noise --sensitivity high    one kind of world
  manage.py simulate --world stress --looks 0,30,60      the same with looks at other times
  manage.py simulate --list                              the kinds of worlds

It needs no server and no network; the same seed gives the same figures on every machine. It also plays the rules of
other systems on the same checks. The exit code is 1 when an invariant was broken or an outage missed; each break is
printed with the command that runs its world again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from consensus.vocabulary import Sensitivity
from vigil.cli.errors import CommandError
from vigil.simulation import runs
from vigil.simulation.report import as_json, as_text
from vigil.simulation.runs import RunPlace, mixed, places
from vigil.simulation.worlds.scenario import SCENARIOS, Scenario

_HOURS_MOST = 10_000_000
_MIXED = "mixed"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hours", type=float, default=2_000, metavar="H", help="monitor-hours in all (default 2000)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the same seed gives the same worlds (default 1)"
    )
    parser.add_argument(
        "--world", choices=[_MIXED, *SCENARIOS], default=_MIXED, help="the kind of world (default mixed)"
    )
    parser.add_argument(
        "--sensitivity",
        choices=[each.value for each in Sensitivity],
        default=Sensitivity.NORMAL.value,
        help="the sensitivity of the monitors (default normal)",
    )
    parser.add_argument("--looks", metavar="S,S,...", help="when the looks of a round start (s)")
    parser.add_argument("--regions", metavar="DOMAIN,...", help="one region for each word, in the domain it names")
    parser.add_argument("--only", type=int, metavar="N", help="only this world of the run, by its number from 0")
    parser.add_argument("--list", action="store_true", help="list the kinds of worlds")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(args: argparse.Namespace) -> int:
    if args.list:
        sys.stdout.write("".join(f"{each.name:<8} {each.says}\n" for each in SCENARIOS.values()))
        return 0
    todo = asked_for(args)
    started_s = time.process_time()
    rows = runs.run(todo, _progress(len(todo)))
    took_s = time.process_time() - started_s
    found = as_json(rows, took_s)
    sys.stdout.write(json.dumps(found) + "\n" if args.json else as_text(rows, took_s))
    return 1 if found["invariant_breaks"] or found["missed"] else 0


def asked_for(args: argparse.Namespace) -> list[RunPlace]:
    """The worlds that the command line asks for; raises CommandError."""
    if not 0 < args.hours <= _HOURS_MOST:
        raise CommandError(f"--hours {args.hours:g} is not between 0 and {_HOURS_MOST}")
    if not 0 <= args.seed < 2**40:
        raise CommandError("--seed is a number from 0 to 2^40")
    looks_ms, regions = _looks_ms(args.looks), _regions(args.regions)

    def change(scenario: Scenario) -> Scenario:
        changed = replace(scenario, sensitivity=Sensitivity(args.sensitivity), looks_ms=looks_ms)
        return replace(changed, regions=regions) if regions else changed

    if args.world == _MIXED:
        todo = list(mixed(args.hours, args.seed, change))
    else:
        todo = places(change(SCENARIOS[args.world]), args.hours, args.seed)
    if args.only is None:
        return todo
    if args.only not in range(len(todo)):
        raise CommandError(f"--only {args.only}: this run has worlds 0 to {len(todo) - 1}")
    return [todo[args.only]]


def _looks_ms(text: str | None) -> tuple[int, ...]:
    if not text:
        return ()
    try:
        looks_ms = tuple(round(float(word) * 1000) for word in text.split(","))
    except ValueError:
        raise CommandError("--looks is written like 0,10 (seconds after the round was opened)") from None
    if looks_ms[0] != 0 or list(looks_ms) != sorted(set(looks_ms)) or looks_ms[-1] > 600_000 or len(looks_ms) > 5:
        raise CommandError("--looks starts with 0 and increases: up to 5 looks within 600 s")
    return looks_ms


def _regions(text: str | None) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    domains = text.split(",")
    if len(domains) > 15 or not all(domain.isalnum() for domain in domains):
        raise CommandError("--regions is written like aws,aws,gcp: one word for each region, up to 15")
    return tuple((f"region-{number:02}", domain) for number, domain in enumerate(domains, start=1))


def _progress(total: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r{done} of {total} worlds{end}")
            sys.stderr.flush()

    return show
