"""Create a heartbeat for a job, or list the heartbeats with their status.

manage.py heartbeat add "Embed documents" --job embeddings
manage.py heartbeat add backup --cron "0 2 * * *" --zone Europe/Berlin --grace 2h
manage.py heartbeat add queue --every 5m --grace 5m --priority high
manage.py heartbeat list --json
manage.py heartbeat jobs            # the common kinds of AI jobs, with schedule and grace
"""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import Any

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.lengths import seconds
from vigil.cli.table import aligned


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("add", "list", "jobs"))
    parser.add_argument("name", nargs="?", help="the name of a new heartbeat")
    parser.add_argument("--job", help="the kind of job; it sets schedule and grace")
    parser.add_argument("--every", metavar="LENGTH", help="a period, such as 5m, 1h or 7d")
    parser.add_argument("--cron", metavar="EXPRESSION")
    parser.add_argument("--oncalendar", metavar="EXPRESSION")
    parser.add_argument("--zone", metavar="ZONE", help="the time zone of the expression (default: UTC)")
    parser.add_argument("--grace", metavar="LENGTH", help="how late a ping may be, such as 20m")
    parser.add_argument("--priority", choices=("high", "normal", "low"), help="routes may match it (default: normal)")
    parser.add_argument("--tag", action="append", default=[], help="a tag; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    connect()
    if args.what == "add":
        return _add(args)
    from vigil.heartbeats.core.suggestions import SUGGESTIONS
    from vigil.heartbeats.models import Heartbeat
    from vigil.heartbeats.overview import ping_address, status_shown

    if args.what == "jobs":
        rows: list[dict[str, Any]] = [{"job": one.job, "title": one.title, **one.terms} for one in SUGGESTIONS.values()]
        if not args.json:
            rows = [_shown(row) for row in rows]
    else:
        found = Heartbeat.objects.filter(monitor__deleted_at=None).select_related("monitor").order_by("monitor__name")
        rows = [
            {
                "id": row.monitor.public_id,
                "name": row.monitor.name,
                "status": status_shown(row),
                "priority": row.monitor.priority,
                "ping": ping_address(row),
            }
            for row in found
        ]
    if args.json:
        print(json.dumps(rows))
    else:
        print(aligned(rows) if rows else "none yet")
    return 0


def _shown(job: dict[str, Any]) -> dict[str, str]:
    from vigil.heartbeats.core.schedule import length_in_words

    every = length_in_words(timedelta(seconds=job["period_s"])) if "period_s" in job else ""
    grace = length_in_words(timedelta(seconds=job["grace_s"]))
    return {"job": job["job"], "title": job["title"], "expected": f"every {every}" if every else job["expression"],
            "grace": grace}  # fmt: skip


def _add(args: argparse.Namespace) -> int:
    if not args.name:
        raise CommandError("give the new heartbeat a name")
    from django.core.exceptions import ValidationError

    from vigil.accounts.teams import default_team
    from vigil.heartbeats.changes import create_heartbeat
    from vigil.heartbeats.core.schedule import length_in_words
    from vigil.heartbeats.overview import ping_address
    from vigil.heartbeats.rows import schedule_of

    try:
        row = create_heartbeat(default_team(), {"name": args.name, "tags": args.tag, **_terms(args)})
    except ValidationError as refused:
        field, problems = next(iter(refused.message_dict.items()))
        raise CommandError(f"{field}: {problems[0]}") from None
    if args.json:
        print(json.dumps({"id": row.monitor.public_id, "name": row.monitor.name, "ping": ping_address(row)}))
    else:
        print(f"{row.monitor.public_id}  {row.monitor.name}: call {ping_address(row)}")
        grace = length_in_words(timedelta(seconds=row.grace_s))
        print(f"  Expected {schedule_of(row).in_words()}; missing when {grace} late.")
    return 0


def _terms(args: argparse.Namespace) -> dict[str, Any]:
    given = [name for name in ("every", "cron", "oncalendar") if getattr(args, name)]
    if len(given) > 1:
        raise CommandError("choose one of --every, --cron and --oncalendar")
    terms: dict[str, Any] = {name: getattr(args, name) for name in ("job", "priority") if getattr(args, name)}
    if args.every:
        terms |= {"schedule": "period", "period_s": seconds(args.every)}
    for name in ("cron", "oncalendar"):
        if getattr(args, name):
            terms |= {"schedule": name, "expression": getattr(args, name)}
    if args.zone:
        terms["time_zone"] = args.zone
    if args.grace:
        terms["grace_s"] = seconds(args.grace)
    return terms
