"""Report what is wrong with this installation: processes, regions, channels, history, disk. Each finding has advice.

  manage.py doctor
  manage.py doctor --json
  manage.py doctor --disk-free-gb 120     when PostgreSQL runs on another machine

It changes nothing. The exit code is 1 when there is a problem: alerts may be late or lost, or the disk is nearly full.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.program import as_called
from vigil.disks import disk_of, disks_of, postgres_folder
from vigil.incidents.core.disks import in_words, short_disks
from vigil.local.folder import chosen_path

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
    # First, and without any server: a full disk is why the others are away.
    home = [path for path in (chosen_path(args.data_dir),) if path.exists()]
    short = short_disks(disks_of(home))
    try:
        connect(args.data_dir)
    except CommandError as problem:
        if not short:
            raise
        raise CommandError(f"{' '.join(map(in_words, short))} {problem}") from None

    from vigil.doctor.examination import examine, worst
    from vigil.doctor.findings import ExaminationContext, Level
    from vigil.monitors.live.results import redis_client

    now, folder = _ask_postgresql()
    folders = (*home, *([folder] if folder else []))
    free = round(args.disk_free_gb * 1e9) if args.disk_free_gb is not None else _free_bytes(folder)
    examined = examine(ExaminationContext(redis_client(), now, free, folders))
    level = worst(examined)
    print(_as_json(examined, level) if args.json else _for_people(examined))
    return int(level is Level.PROBLEM)


def _ask_postgresql() -> tuple[datetime | None, Path | None]:
    """The time of PostgreSQL, None while it is away; and its data folder, where that is on this machine."""
    from django.db import Error as DatabaseError

    from vigil.clock import database_now

    try:
        return database_now(), postgres_folder()
    except DatabaseError:
        return None, None


def _free_bytes(folder: Path | None) -> int | None:
    disk = disk_of(folder) if folder is not None else None
    return disk.bytes_free if disk is not None else None


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
