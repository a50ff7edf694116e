"""The backtest of `replay --monitor`: a monitor's stored checks decided under another policy."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from consensus.vocabulary import Sensitivity
from vigil.cli.errors import CommandError

if TYPE_CHECKING:
    from vigil.backtest.core.comparison import ComparisonRow
    from vigil.backtest.core.law import BacktestPage, Policy

_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TEXT_MOST = 100


@dataclass(frozen=True, slots=True)
class _Found:
    """Both policies, what they make of the past, and what really happened."""

    monitor: str
    name: str
    start: datetime
    end: datetime
    checks: int
    policies: tuple[Policy, Policy]
    rows: list[ComparisonRow]
    happened: int
    found_again: int


def rehearse_monitor(args: argparse.Namespace) -> int:
    """`replay --monitor M`: print what would have paged, later, or not at all."""
    found = _rehearsed(args)
    print(_as_json(found) if args.json else _for_people(found))
    return 0


def _rehearsed(args: argparse.Namespace) -> _Found:
    from vigil.backtest import records
    from vigil.backtest.core.comparison import ComparisonOutcome, compare
    from vigil.backtest.core.law import replay_past
    from vigil.clock import database_now

    monitor = records.find_monitor(args.monitor)
    if monitor is None:
        raise CommandError(f"there is no monitor `{args.monitor}`, or more than one: name it by its id, mon_...")
    end = database_now()
    start = end - _length(args.since)
    start_ms, end_ms = (round(at.timestamp() * 1000) for at in (start, end))
    past = records.past_of(monitor, start_ms, end_ms)
    if not len(past):
        raise CommandError(f"no check of {monitor.name} is stored since {args.since}: see `manage.py doctor`")
    now = records.policy_of(monitor)
    then = _supposed(now, args, past.regions)
    pages = replay_past(past, now, start_ms)
    happened = records.incidents_of(monitor, start, end)
    again = [
        row
        for row in compare(happened, pages)
        if row.outcome not in (ComparisonOutcome.NEW, ComparisonOutcome.NOT_AT_ALL)
    ]
    rows = compare(pages, replay_past(past, then, start_ms))
    return _Found(monitor.public_id, monitor.name, start, end, len(past), (now, then), rows, len(happened), len(again))


def _supposed(now: Policy, args: argparse.Namespace, known: list[str]) -> Policy:
    domains = dict(now.domains)
    only, without = (_names(text) for text in (args.regions, args.without))
    unknown = sorted((only | without) - domains.keys())
    if unknown:
        raise CommandError(
            f"{', '.join(unknown)} does not check this monitor: {', '.join(sorted(domains) or known)} do"
        )
    if only or without:
        domains = {
            slug: domain for slug, domain in domains.items() if slug in (only or domains) and slug not in without
        }
    if not domains:
        raise CommandError("no region would be left")
    return replace(now, domains=domains, sensitivity=Sensitivity(args.sensitivity or now.sensitivity))


def _length(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,4})([mhdw])", text)
    if not match or not int(match[1]):
        raise CommandError(f"--since {text}: write a number and m, h, d or w, such as 30d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _for_people(found: _Found) -> str:
    now, then = found.policies
    lines = [
        f"{found.name} ({found.monitor}), {found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC, "
        f"{found.checks:,} checks",
        f"  present:  {_policy(now)}",
        f"  other:    {_policy(then)}",
        "",
    ]
    for row in found.rows:
        page = row.then or row.now
        assert page is not None
        lines.append(
            f"  {_at(row.at_ms)}  {page.kind:<9} {_outcome(row):<22} {_lasted(page):<12} {page.text[:_TEXT_MOST]}"
        )
    if not found.rows:
        lines.append("  Neither policy pages in this period.")
    lines += [
        "",
        f"{found.happened} incidents happened; under the present policy the law finds {found.found_again} of them in "
        "the stored checks. Sick regions, silences and people are not included.",
    ]
    return "\n".join(lines)


def _outcome(row: ComparisonRow) -> str:
    by_s = abs(row.by_ms) / 1000
    words = {
        "same": "pages as well",
        "sooner": f"pages {by_s:.0f} s sooner",
        "later": f"pages {by_s:.0f} s later",
        "not at all": "does not page at all",
        "new": "pages, and does not now",
    }
    return words[row.outcome]


def _policy(policy: Policy) -> str:
    return f"sensitivity {policy.sensitivity}, regions {', '.join(sorted(policy.domains))}"


def _lasted(page: BacktestPage) -> str:
    return f"for {(page.resolved_ms - page.opened_ms) / 1000:.0f} s" if page.resolved_ms else "still open"


def _at(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())


def _as_json(found: _Found) -> str:
    def page(one: BacktestPage | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {
            "kind": one.kind,
            "started_at": _at(one.started_ms),
            "opened_at": _at(one.opened_ms),
            "resolved_at": _at(one.resolved_ms) if one.resolved_ms else None,
            "text": one.text,
        }

    names = ("as_it_is", "supposed")
    return json.dumps(
        {
            "monitor": found.monitor,
            "from": found.start.isoformat(),
            "to": found.end.isoformat(),
            "checks": found.checks,
            **{
                name: {"sensitivity": policy.sensitivity, "regions": sorted(policy.domains)}
                for name, policy in zip(names, found.policies, strict=True)
            },
            "pages": [
                {"outcome": row.outcome, "by_s": row.by_ms / 1000, "now": page(row.now), "then": page(row.then)}
                for row in found.rows
            ],
            "happened": found.happened,
            "found_again": found.found_again,
        }
    )
