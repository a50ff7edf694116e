"""Import as a file: a `vigil.yaml` and a report out of another tool's configuration; no database is asked."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vigil.cli.errors import CommandError
from vigil.importers.api import ApiClient
from vigil.importers.core.draft import Draft, Imported
from vigil.importers.core.report import ItemOutcome, SourceError, render
from vigil.importers.core.writer import write
from vigil.importers.faults import VigilFaults
from vigil.importers.registry import IMPORTERS, source_of

STDOUT = "-"


def run(args: argparse.Namespace) -> int:
    """Import `args.file`, or the API at `args.url`, write the file, and print the report; 1 if something is refused."""
    try:
        imported = _imported(args)
    except SourceError as problem:
        raise CommandError(str(problem)) from None
    text = write(imported, str(args.url or args.file.name))
    to_stdout = args.output == STDOUT
    if not args.dry_run:
        _write(args.output, text, args.overwrite)
    report = imported.report
    shown = json.dumps(report.as_json(), ensure_ascii=False) + "\n" if args.json else render(report)
    (sys.stderr if to_stdout and not args.dry_run else sys.stdout).write(shown)
    return int(report.count(ItemOutcome.REFUSED) > 0)


def _imported(args: argparse.Namespace) -> Imported:
    name, path = args.source, args.file
    if path is None and args.url is None and name not in IMPORTERS:
        # The source was left out: the one word is the file.
        path = args.file = Path(name)
        name = source_of(path)
    if name not in IMPORTERS:
        raise CommandError(f"{name!r} is no source: name one of {', '.join(IMPORTERS)}")
    source = IMPORTERS[name]
    draft = Draft(name, VigilFaults(datetime.now(UTC)))
    document: Any
    if args.url is not None:
        if source.api is None:
            raise CommandError(f"{name} has no API that is read here: name its file")
        args.url = args.url or source.api.url
        key = os.environ.get(source.api.key_variable, "")
        if not key:
            raise CommandError(f"set {source.api.key_variable}: the key is taken from the environment")
        document = source.api.fetch(ApiClient(source.api.headers(key)), args.url)
    elif path is None:
        raise CommandError(f"name the file: {source.words}")
    else:
        document = source.read(path)
    source.plan(document, draft)
    return draft.imported()


def _write(output: str, text: str, overwrite: bool) -> None:
    if output == STDOUT:
        sys.stdout.write(text)
        return
    try:
        with Path(output).open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{output} is there already: name another file with -o, or add --overwrite") from None
    except OSError as problem:
        raise CommandError(f"cannot write {output}: {problem.strerror or problem}") from None
