"""Decide an incident again from its stored votes, or backtest a policy on a monitor's stored checks.

  manage.py replay inc_4kq7...                        every step: the votes, and whether the law decides the same again
  manage.py replay inc_4kq7... --sensitivity high     the same votes under another sensitivity
  manage.py replay inc_4kq7... --without eu-west      ... without that region; --regions a,b,c: only with these
  manage.py replay inc_4kq7... --step 3 --json        one step, for a script
  manage.py replay --monitor shop --since 30d --sensitivity high    what would have paged, later, or not at all

The exit code is 1 if any step of an incident is not decided as it was stored.
"""

from __future__ import annotations

import argparse
import json

from consensus.quorum import Decision
from consensus.review.replay import Replayed
from consensus.review.vote_table import vote_rows, why_in_words
from consensus.vocabulary import Sensitivity
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.monitors.backtest import rehearse_monitor
from vigil.cli.monitors.replay_lost_way import replay_lost_way
from vigil.incidents.core.replayed_steps import ReplayedStep, Supposition, UnknownRegions, step_as_json


def add(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("incident", nargs="?", help="the incident's id, such as inc_4kq7...")
    asked.add_argument("--monitor", help="a monitor's name or id: backtest its stored checks")
    parser.add_argument("--since", default="30d", metavar="AGO", help="with --monitor: 12h, 30d (default), 4w")
    parser.add_argument("--step", type=int, help="one step only, by its number")
    parser.add_argument(
        "--sensitivity", choices=[level.value for level in Sensitivity], help="decide under this sensitivity"
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--regions", help="decide with these regions only: a,b,c")
    chosen.add_argument("--without", help="decide without these regions: a,b")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data-dir", help="the data folder of the running `up` (default: VIGIL_DATA_DIR, else .vigil)")


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)
    if args.monitor:
        return rehearse_monitor(args)
    lost_way = replay_lost_way(args.incident, args.json)
    if lost_way is not None:
        return lost_way
    title, steps = _steps(args.incident, args.step)
    wanted = _supposition(args)
    try:
        supposed = [wanted.judge(taken.verdict) if wanted else None for taken in steps]
    except UnknownRegions as error:
        raise CommandError(str(error)) from None
    if args.json:
        rows = [step_as_json(taken, other) for taken, other in zip(steps, supposed, strict=True)]
        print(json.dumps({"incident": args.incident, "title": title, "steps": rows}))
    else:
        print(f"{args.incident}: {title}")
        for taken, other in zip(steps, supposed, strict=True):
            print(_told(taken, other, wanted))
    return 0 if all(taken.same for taken in steps) else 1


def _supposition(args: argparse.Namespace) -> Supposition:
    sensitivity = Sensitivity(args.sensitivity) if args.sensitivity else None
    return Supposition(sensitivity, _names(args.regions), _names(args.without))


def _steps(public_id: str, seq: int | None) -> tuple[str, list[ReplayedStep]]:
    from vigil.incidents.models import Incident
    from vigil.incidents.timeline import replayed_steps

    incident = Incident.objects.filter(public_id=public_id).first()
    if incident is None:
        raise CommandError(f"there is no incident `{public_id}`: `GET /api/v1/incidents` and the admin list them")
    steps = replayed_steps(incident, seq)
    if not steps:
        of = f"step {seq}" if seq is not None else "this incident"
        raise CommandError(f"{of} has no stored votes: there is nothing to decide again")
    return incident.title, steps


def _told(taken: ReplayedStep, supposed: Replayed | None, wanted: Supposition) -> str:
    verdict = taken.verdict
    lines = [
        "",
        f"Step {taken.seq}, {taken.step} ({taken.reason}), {taken.at:%Y-%m-%d %H:%M:%S} UTC",
        f"  {verdict.explanation}",
        "",
    ]
    rows: list[tuple[str, ...]] = [("look", "region", "domain", "saw", "age", "total", "usually", "counted")]
    for line in vote_rows(verdict):
        saw = " ".join(filter(None, [line.status, line.reason, str(line.code or "")]))
        times = [f"{us / 1000:.0f} ms" if us else "" for us in (line.phases.total_us, line.usual_us)]
        age = f"{line.age_ms / 1000:.1f} s" if line.look else ""
        rows.append((str(line.look or ""), line.region, line.domain, saw, age, *times, why_in_words(line)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines += ["", "  Decided again from these votes: " + ("the same." if taken.same else "NOT the same!")]
    if not taken.same:
        lines.append(f"  Now: {taken.replayed.explanation}")
    if supposed is not None:
        lines += ["", f"  Under {wanted}: {_word(supposed.decision)}.", f"  {supposed.explanation}"]
        lines += [f"  {supposed.note}"] if supposed.note else []
    return "\n".join(lines)


def _word(decision: Decision | None) -> str:
    return f"{decision.status} ({decision.reason})" if decision else "not decided yet"


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())
