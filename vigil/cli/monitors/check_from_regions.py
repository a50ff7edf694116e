"""A check from the regions of an installation, for the command `check`: each region's answer, and the verdict."""

from __future__ import annotations

import argparse
import json
from typing import Any

import msgspec

from vigil.cli.errors import CommandError
from vigil.cli.monitors.check_target import asked_for, with_headers
from vigil.cli.remote.connection import api
from vigil.client import calls
from vigil.client.calls import Call
from vigil.client.models import Trial

#: What the id of a monitor begins with.
MONITOR = "mon_"
_EVERY = "all"


def run_from_regions(args: argparse.Namespace) -> int:
    """Check a monitor, or what the command line describes; 0 when the regions would agree that it is up."""
    if args.explain:
        raise CommandError("--explain is for a check from here; from regions, the verdict is always shown")
    call = _call(args)
    with api(args.data_dir) as vigil:
        trial = vigil.send(call)
    print(json.dumps(msgspec.to_builtins(trial)) if args.json else "\n".join(lines(trial)))
    return 0 if trial.verdict is not None and trial.verdict.status == "up" else 1


def _call(args: argparse.Namespace) -> Call[Trial]:
    regions = None if args.regions in (None, _EVERY) else args.regions.split(",")
    if (args.url or "").startswith(MONITOR):
        return calls.try_monitor(args.url, regions)
    asked = asked_for(args)
    timeout_s = args.timeout if args.timeout is not None else asked.timeout_s
    wanted: dict[str, Any] = {
        "kind": asked.kind,
        "config": with_headers(asked.config, args.header),
        "secrets": dict(asked.secrets),
        "interval_s": asked.interval_s,
        "timeout_ms": round(timeout_s * 1_000),
    }
    return calls.try_unsaved(**wanted, **({} if regions is None else {"regions": regions}))


def lines(trial: Trial) -> list[str]:
    """A trial for a terminal: a line for each region, its assertions below it, and the verdict."""
    shown = [f"{trial.target} ({trial.kind})"]
    for region in trial.regions:
        shown.append(f"  {region.words}")
        shown += [
            f"    {'ok  ' if one.passed else 'FAIL'} {one.expected}" + ("" if one.passed else f": was {one.actual}")
            for one in region.assertions
        ]
    verdict = trial.verdict
    return [*shown, f"{verdict.status}: {verdict.explanation}" if verdict else "no verdict: too few regions answered"]
