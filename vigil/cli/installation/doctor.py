"""Report what is wrong with this installation: processes, regions, channels, history, disk. Each finding has advice.

  manage.py doctor
  manage.py doctor --json
  manage.py doctor --disk-free-gb 120     when PostgreSQL runs on another machine

It changes nothing. The exit code is 1 when there is a problem: alerts may be late or lost, or the disk is nearly full.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vigil.cli.connection import connect
from vigil.cli.program import as_called

if TYPE_CHECKING:
    from vigil.doctor.examination import Examined

_MARKS = {"well": "  ok ", "note": "  .. ", "warning": "  !  ", "problem": "  !! "}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data-dir", help="the data folder of the installation (default: VIGIL_DATA_DIR, else .vigil)")
    parser.add_argument(
        "--disk-free-gb", type=float, metavar="N", help="free space on the disk of a PostgreSQL elsewhere"
    )


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)

    from vigil.clock import database_now
    from vigil.doctor.examination import examine, worst
    from vigil.doctor.findings import ExaminationContext, Level
    from vigil.monitors.latest import redis_client

    free = round(args.disk_free_gb * 1e9) if args.disk_free_gb is not None else _free_bytes()
    examined = examine(ExaminationContext(redis_client(), database_now(), free))
    level = worst(examined)
    print(_as_json(examined, level) if args.json else _for_people(examined))
    return int(level is Level.PROBLEM)


def _free_bytes() -> int | None:
    """Room on the disk of PostgreSQL's data folder, where it is on this machine and may be known."""
    from django.db import ProgrammingError, connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            folder = Path(cursor.fetchone()[0])
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
    except ProgrammingError:
        return None
    is_here = connection.settings_dict["HOST"] in ("", "localhost", "127.0.0.1", "::1")
    try:
        return shutil.disk_usage(folder).free if is_here else None
    except OSError:
        return None


def _for_people(examined: list[Examined]) -> str:
    width = max(len(one.check) for one in examined)
    lines = []
    for one in examined:
        lines.append(f"{_MARKS[one.finding.level]}{one.check:<{width}}  {one.finding.text}")
        if one.finding.advice:
            lines.append(f"     {'':<{width}}  -> {as_called(one.finding.advice)}")
    counts = {level: sum(one.finding.level == level for one in examined) for level in ("problem", "warning", "note")}
    lines.append("")
    lines.append(", ".join(f"{count} {level}{'s' if count != 1 else ''}" for level, count in counts.items()))
    return "\n".join(lines)


def _as_json(examined: list[Examined], level: str) -> str:
    found = [
        {"check": one.check, "level": one.finding.level, "text": one.finding.text, "advice": one.finding.advice}
        for one in examined
    ]
    return json.dumps({"worst": level, "findings": found})
