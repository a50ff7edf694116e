"""Write public status pages as static files, for a CDN or an object store.

  manage.py status export DIR                  every public page, each in DIR/SLUG
  manage.py status export DIR --page acme      one page, in DIR itself
  manage.py status export DIR --page acme --base-url https://status.example.com

DIR is empty, or holds an earlier export. Each file is replaced at once and pages last, so a server may serve DIR
meanwhile; what is no longer there is removed. Links are relative. With --base-url, the address of DIR, they are
absolute; without it, feeds and embeds name Vigil's own address. Let a timer run it each minute: the page says of when
it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from urllib.parse import urlsplit

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="export")
    export = actions.add_parser("export", help="write static files", description="Write public pages as static files.")
    export.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder, or that of an earlier export")
    export.add_argument("--page", metavar="SLUG", default="", help="this page alone, in DIR itself")
    export.add_argument("--base-url", metavar="URL", default="", help="the address that DIR will have")
    export.add_argument("--json", action="store_true", help="print one JSON object")
    export.add_argument("--data-dir", help="the data folder of the running `up` (default: VIGIL_DATA_DIR, else .vigil)")


def run(args: argparse.Namespace) -> int:
    base_url = _address(args.base_url)
    connect(args.data_dir)
    from vigil.clock import database_now
    from vigil.status.export.pages import ExportError, ExportFrame, pages_to_export, site_files
    from vigil.status.export.site_folder import SiteFolder, SiteFolderError
    from vigil.web.serving.status_pages import frame_of, static_assets

    try:
        rows = pages_to_export(args.page)
        frame = ExportFrame(frame_of, static_assets(), base_url)
        files = site_files(rows, frame, database_now(), in_folders=not args.page)
        done = SiteFolder(args.folder).replace(files)
    except (ExportError, SiteFolderError) as problem:
        raise CommandError(str(problem)) from None
    told = {"pages": [row.slug for row in rows], "files": done.files, "changed": done.changed, "removed": done.removed}
    if args.json:
        print(json.dumps(told))
    else:
        names = ", ".join(row.slug for row in rows) or "no public page"
        print(f"{args.folder}: {names}. {done.files} files, {done.changed} changed, {done.removed} removed.")
    return 0


def _address(given: str) -> str:
    parts = urlsplit(given)
    if given and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise CommandError("--base-url is an address such as https://status.example.com")
    return given.rstrip("/")
