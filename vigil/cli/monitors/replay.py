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
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from consensus.evidence import from_evidence, is_verdict
from consensus.quorum import Decision
from consensus.replay import Replayed, is_as_stored, replay, replay_as
from consensus.verdicts import Verdict
from consensus.vocabulary import Sensitivity
from consensus.vote_table import as_json, vote_rows, why_in_words
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.monitors.backtest import rehearse_monitor
from vigil.cli.monitors.replay_lost_way import replay_lost_way


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of an incident, and its decision taken again."""

    seq: int
    step: str
    reason: str
    at: str
    verdict: Verdict
    replayed: Replayed

    @property
    def same(self) -> bool:
        return is_as_stored(self.verdict, self.replayed)


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
    wanted = _Wanted.of(args)
    supposed = [wanted.judge(taken.verdict) if wanted else None for taken in steps]
    if args.json:
        rows = [_json(taken, other) for taken, other in zip(steps, supposed, strict=True)]
        print(json.dumps({"incident": args.incident, "title": title, "steps": rows}))
    else:
        print(f"{args.incident}: {title}")
        for taken, other in zip(steps, supposed, strict=True):
            print(_told(taken, other, wanted))
    return 0 if all(taken.same for taken in steps) else 1


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The settings to decide under instead of the stored ones."""

    sensitivity: Sensitivity | None
    only: Set[str]
    without: Set[str]

    @classmethod
    def of(cls, args: argparse.Namespace) -> _Wanted | None:
        only, without = _names(args.regions), _names(args.without)
        if not (args.sensitivity or only or without):
            return None
        return cls(Sensitivity(args.sensitivity) if args.sensitivity else None, only, without)

    def judge(self, verdict: Verdict) -> Replayed:
        known = set(verdict.assigned) | {vote.region for vote in verdict.votes}
        unknown = sorted((self.only | self.without) - known)
        if unknown:
            raise CommandError(f"no region {', '.join(unknown)} in this round: it asked {', '.join(sorted(known))}")
        regions = (self.only or known) - self.without if self.only or self.without else None
        return replay_as(verdict, self.sensitivity, regions)

    def __str__(self) -> str:
        parts = [f"sensitivity {self.sensitivity}"] if self.sensitivity else []
        parts += [f"only {', '.join(sorted(self.only))}"] if self.only else []
        parts += [f"without {', '.join(sorted(self.without))}"] if self.without else []
        return "; ".join(parts)


def _steps(public_id: str, seq: int | None) -> tuple[str, list[Taken]]:
    from vigil.incidents.models import Incident

    incident = Incident.objects.filter(public_id=public_id).first()
    if incident is None:
        raise CommandError(f"there is no incident `{public_id}`: `GET /api/v1/incidents` and the admin list them")
    rows = incident.transitions.order_by("seq")
    steps = [row for row in rows if is_verdict(row.evidence) and seq in (None, row.seq)]
    if not steps:
        of = f"step {seq}" if seq is not None else "this incident"
        raise CommandError(f"{of} has no stored votes: there is nothing to decide again")
    found = []
    for row in steps:
        verdict = from_evidence(row.evidence)
        at = f"{row.at:%Y-%m-%d %H:%M:%S} UTC"
        found.append(Taken(row.seq, row.step, row.reason, at, verdict, replay(verdict)))
    return incident.title, found


def _told(taken: Taken, supposed: Replayed | None, wanted: _Wanted | None) -> str:
    verdict = taken.verdict
    lines = ["", f"Step {taken.seq}, {taken.step} ({taken.reason}), {taken.at}", f"  {verdict.explanation}", ""]
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


def _json(taken: Taken, supposed: Replayed | None) -> dict[str, Any]:
    return {
        "seq": taken.seq,
        "step": taken.step,
        "reason": taken.reason,
        "same": taken.same,
        "stored": {"status": taken.verdict.status, "reason": taken.verdict.reason, "text": taken.verdict.explanation},
        "replayed": _decided(taken.replayed),
        "supposed": _decided(supposed) if supposed else None,
        "votes": [as_json(line) for line in vote_rows(taken.verdict)],
    }


def _decided(replayed: Replayed) -> dict[str, Any]:
    decision = replayed.decision
    found: dict[str, Any] = {"decided": decision is not None, "text": replayed.explanation, "note": replayed.note}
    if decision is None:
        return found
    named = ("status", "reason", "failure", "n", "m", "k", "domains")
    return {
        **found,
        **{name: getattr(decision, name) for name in named},
        "dissent": list(decision.dissent),
        "excluded": [{"region": one.region, "why": one.why, "look": one.look} for one in decision.excluded],
    }


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())
