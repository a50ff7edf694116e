"""Try every monitor of a document once from its regions, before it is applied.

  manage.py trial                     every monitor of vigil.yaml; `vigil test` where it is installed
  manage.py trial --only api,db       only these keys

Nothing is saved, and nothing counts: no vote, no history, no alert. A team may begin 300 trials of files a minute, and
60 of them at one host, so that 2,000 monitors take 7 minutes. The exit code is 1 when the verdict of any is not `up`.
With VIGIL_URL and VIGIL_TOKEN the regions of the installation there look.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

from vigil.cli.code.connections import add_connection, installation
from vigil.cli.code.documents import add_file, as_error, load_or_refuse
from vigil.cli.code.reached import ReachedInstallation, Shown, TrialRefused, values_or_refuse
from vigil.cli.errors import CommandError
from vigil.code.core.objects import Wanted
from vigil.code.core.references import resolved
from vigil.code.core.tree import DocumentError
from vigil.monitors.core.targets import host_of, target_of

#: Longest wait for the next minute's trials.
WAIT_MOST_S = 61
#: Trials that run at a time, and how many are asked for in a second: with those that begin, 2,220 of the 3,000 requests
#: that a token has in a minute.
RUNNING_MOST, ASKED_A_SECOND = 64, 32
_POLL_LEAST_S = 0.25


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
        place = {key: number for number, key in enumerate(keys)}
        print(json.dumps(sorted(rows, key=lambda row: place[row["key"]])))
    return int(any(row["status"] != "up" for row in rows))


def try_all(
    there: ReachedInstallation, monitors: Iterable[Wanted], values: dict[str, str], sleep: Callable[[float], None]
) -> Iterator[dict[str, Any]]:
    """One trial of each monitor, its verdict and what a region said that is not well, as each is done."""
    waiting = deque(by_turns(monitors))
    running: dict[str, str] = {}
    held_s = 0.0
    while waiting or running:
        while waiting and not held_s and len(running) < RUNNING_MOST:
            one = waiting.popleft()
            try:
                begun, held_s = there.begin_trial(_fields(one, values))
            except TrialRefused as refused:
                yield _refused(one.key, refused)
                continue
            if begun is None:
                waiting.appendleft(one)
            else:
                running[begun["id"]] = one.key
        wait_s = max(_POLL_LEAST_S, len(running) / ASKED_A_SECOND) if running else min(held_s, WAIT_MOST_S)
        if wait_s:
            sleep(wait_s)
        held_s = max(0.0, held_s - wait_s) if running else 0.0
        yield from _finished(there, running)


def by_turns(monitors: Iterable[Wanted]) -> Iterator[Wanted]:
    """Monitors of one host after another's: each host has a limit of its own."""
    of_host: dict[str, list[Wanted]] = {}
    for one in monitors:
        of_host.setdefault(host_of(target_of(one.fields.get("config"))), []).append(one)
    for turn in zip_longest(*of_host.values()):
        yield from (one for one in turn if one is not None)


def _finished(there: ReachedInstallation, running: dict[str, str]) -> Iterator[dict[str, Any]]:
    for trial_id, key in list(running.items()):
        try:
            found = there.trial(trial_id)
        except TrialRefused as refused:
            del running[trial_id]
            yield _refused(key, refused)
            continue
        if found["state"] == "done":
            del running[trial_id]
            yield _row(key, found)


def _fields(one: Wanted, values: dict[str, str]) -> Shown:
    fields = {name: one.fields[name] for name in ("kind", "config", "sensitivity") if name in one.fields}
    fields |= {"interval_s": one.fields["interval"], "timeout_ms": one.fields["timeout"]}
    fields["secrets"] = {name: resolved(text, values) for name, text in one.secrets.items()}
    if "regions" in one.fields:
        fields["regions"] = one.fields["regions"]
    return fields


def _row(key: str, found: Shown) -> dict[str, Any]:
    verdict = found["verdict"] or {}
    seen = [region for region in found["regions"] if region.get("status") not in (None, "up")]
    words = "; ".join(region["words"] for region in seen or found["regions"])
    return {"key": key, "status": verdict.get("status", "unknown"), "words": words, "trial": found}


def _refused(key: str, refused: TrialRefused) -> dict[str, Any]:
    return {"key": key, "status": "refused", "words": str(refused), "trial": None}
