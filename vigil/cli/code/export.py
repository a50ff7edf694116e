"""Write the configuration as a document of monitors as code.

  manage.py export                    print what the project `default` owns
  manage.py export --everything       also what was made by hand, under new keys
  manage.py export -o vigil.yaml      update a file: only what differs changes, and comments stay

Secrets are references such as ${env:NAME}, never values. Planning what a project owns changes nothing; `adopt
--everything` takes over the rest first. With VIGIL_URL and VIGIL_TOKEN it is the installation there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vigil.cli.code.connections import add_connection, installation
from vigil.cli.code.documents import SCHEMA_PATH, as_error, load_or_refuse
from vigil.cli.errors import CommandError
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.core.tree import DocumentError, tree_of


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", default="default", help="the project (default: default)")
    parser.add_argument("--everything", action="store_true", help="also what no project owns")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write to this .yaml file, keeping its comments"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    there = installation(args.data_dir)
    document = there.export(args.project, args.everything)
    if args.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    text = to_yaml(document, there.address + SCHEMA_PATH)
    if args.output is None:
        print(text, end="")
        return 0
    if args.output.exists():
        text = _updated(args.output, document)
    try:
        args.output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise CommandError(f"cannot write {args.output}: {problem.strerror or problem}") from None
    print(f"wrote {args.output}")
    return 0


def _updated(path: Path, document: Mapping[str, Any]) -> str:
    """The present text of a file, with what differs changed; raises CommandError."""
    from vigil.code.catalogue import catalogue
    from vigil.code.core.document import read_document
    from vigil.code.core.formats.yaml_update import updated

    if path.suffix.lower() not in (".yaml", ".yml"):
        raise CommandError(f"{path} is no .yaml file: write to a new one, or print it")
    source = load_or_refuse(path)
    try:
        # Both without values, so that references are compared as they are written.
        written = read_document(source.tree, catalogue())
        found = read_document(tree_of(document), catalogue())
    except DocumentError as refused:
        raise as_error(refused.problems) from None
    if written.project != found.project:
        raise CommandError(f"{path} is of the project {written.project}: say --project {written.project}")
    return updated(path.read_text(encoding="utf-8"), written, found, document)
