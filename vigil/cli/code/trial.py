"""Try every monitor of a document once from its regions, before it is applied.

  manage.py trial                     every monitor of vigil.yaml; `vigil test` where it is installed
  manage.py trial --only api,db       only these keys

Nothing is saved, and nothing counts: no vote, no history, no alert. A team may begin 20 trials a minute, so that many
monitors take minutes. The exit code is 1 when the verdict of any is not `up`. With VIGIL_URL and VIGIL_TOKEN the
regions of the installation there look.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from vigil.cli.code.connections import add_connection, installation
from vigil.cli.code.documents import add_file, as_error, load_or_refuse
from vigil.cli.code.reached import ReachedInstallation, Shown, TrialRefused, values_or_refuse
from vigil.cli.errors import CommandError
from vigil.code.core.objects import Wanted
from vigil.code.core.references import resolved
from vigil.code.core.tree import DocumentError

#: Longest wait for the next minute's trials.
WAIT_MOST_S = 61


def add(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--only", metavar="KEYS", help="keys of monitors, like api,db (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    from vigil.code.catalogue import catalogue
    from vigil.code.core.document import read_document

    source = load_or_refuse(args.file)
    values = values_or_refuse(source)
    try:
        monitors = read_document(source.tree, catalogue(), values).objects["monitors"]
    except DocumentError as refused:
        raise as_error(refused.problems) from None
    keys = args.only.split(",") if args.only else list(monitors)
    strange = next((key for key in keys if key not in monitors), None)
    if strange is not None:
        raise CommandError(f"{args.file} has no monitor {strange[:100]!r}")
    there = installation(args.data_dir)
    rows = []
    for row in try_all(there, (monitors[key] for key in keys), values, time.sleep):
        rows.append(row)
        if not args.json:
            print(f"{row['status']:<9} {row['key']}: {row['words']}", flush=True)
    if args.json:
        print(json.dumps(rows))
    return int(any(row["status"] != "up" for row in rows))


def try_all(
    there: ReachedInstallation, monitors: Iterable[Wanted], values: dict[str, str], sleep: Callable[[float], None]
) -> Iterable[dict[str, Any]]:
    """One trial of each monitor, its verdict and what a region said that is not well."""
    for one in monitors:
        fields = {name: one.fields[name] for name in ("kind", "config", "sensitivity") if name in one.fields}
        fields |= {"interval_s": one.fields["interval"], "timeout_ms": one.fields["timeout"]}
        fields["secrets"] = {name: resolved(text, values) for name, text in one.secrets.items()}
        if "regions" in one.fields:
            fields["regions"] = one.fields["regions"]
        try:
            found = _tried(there, fields, sleep)
        except TrialRefused as refused:
            yield {"key": one.key, "status": "refused", "words": str(refused), "trial": None}
            continue
        verdict = found["verdict"] or {}
        seen = [region for region in found["regions"] if region.get("status") not in (None, "up")]
        words = "; ".join(region["words"] for region in seen or found["regions"])
        yield {"key": one.key, "status": verdict.get("status", "unknown"), "words": words, "trial": found}


def _tried(there: ReachedInstallation, fields: Shown, sleep: Callable[[float], None]) -> Shown:
    """One trial, begun as soon as the team may begin another."""
    found, wait_s = there.try_monitor(fields)
    while found is None:
        sleep(min(wait_s, WAIT_MOST_S))
        found, wait_s = there.try_monitor(fields)
    return found
