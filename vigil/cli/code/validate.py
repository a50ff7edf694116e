"""Check a document of monitors as code, without a server.

  manage.py validate                  vigil.yaml here
  manage.py validate monitoring/      every .yaml, .json and .toml file in a folder, as one document
  manage.py validate --schema         print the JSON Schema, for editors

Every problem is shown with its file and line, and unknown words with the nearest known one. References such as
${env:NAME} need no value here. The exit code is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import json

from vigil.cli.code.documents import SCHEMA_PATH, add_file


def add(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of documents instead")
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def run(args: argparse.Namespace) -> int:
    # Imported late: the catalogue of kinds loads slowly.
    from vigil.code.catalogue import catalogue, definitions
    from vigil.code.core.document import read_document
    from vigil.code.core.references import references_of
    from vigil.code.core.schema import schema
    from vigil.code.core.sections.table import SECTIONS
    from vigil.code.core.tree import DocumentError
    from vigil.code.load import load

    if args.schema:
        print(json.dumps(schema(catalogue(), definitions(), SCHEMA_PATH), indent=2))
        return 0
    try:
        source = load(args.file)
        references = sorted(references_of(source.tree))
        document = read_document(source.tree, catalogue())
    except DocumentError as refused:
        if args.json:
            rows = [
                {"file": one.place.file, "line": one.place.line, "path": one.path, "problem": one.words}
                for one in refused.problems
            ]
            print(json.dumps({"valid": False, "problems": rows}))
        else:
            print("\n".join(map(str, refused.problems)))
        return 1
    counts = {name: len(found) for name, found in document.objects.items() if found}
    if args.json:
        shown = {"valid": True, "project": document.project, "objects": counts, "references": references}
        print(json.dumps({**shown, "problems": []}))
        return 0
    named = (f"{count} {name if count > 1 else SECTIONS[name].noun}" for name, count in counts.items())
    listed = ", ".join(named) or "no objects"
    print(f"valid: project {document.project}: {listed}")
    for wanted in document.all():
        for warning in wanted.warnings:
            print(f"warning: {wanted.section}.{wanted.key}: {warning}")
    return 0
