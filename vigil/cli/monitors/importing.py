"""Import from another monitoring tool: a `vigil.yaml` to read and apply, and a report of what became of each item.

  manage.py import gatus config.yaml               write vigil.yaml; the report says what differs, and what is left out
  manage.py import uptime-kuma kuma.db -o shop.yaml     another file; the database is only read
  manage.py import config.yaml --dry-run           the report alone; the tool is told by its file
  manage.py import uptimerobot --url               read its API; the key is in UPTIMEROBOT_API_KEY

Secrets of the source become variables such as ${env:SLACK_URL}, which the report lists; no value is written. Nothing is
stored: `plan` and `apply` do that. The exit code is 1 when something was refused.

  manage.py import litellm config.yaml             without -o, monitors and fallback chains are stored at once
  manage.py import litellm other.yaml --as staging      a second proxy: its monitors and chains have its name

There, keys come from the environment variables that the file names, or are asked for at a terminal. They are stored
sealed and never shown, and none goes to a provider whose key it is not. A key in the file itself is not used. Importing
twice changes nothing; a monitor that two files share asks for the models of both.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.monitors import import_file
from vigil.importers.registry import IMPORTERS
from vigil.monitors.core.litellm import ImportPlan, plan
from vigil.monitors.core.litellm_targets import BadConfig, LiteLlmTarget
from vigil.monitors.litellm_file import read_config

if TYPE_CHECKING:
    from vigil.monitors.litellm_import import Done


SOURCE_MOST = 40


LITELLM = "litellm"
OUTPUT = "vigil.yaml"
_NAMES = ", ".join(IMPORTERS)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help=f"the tool: {', '.join(IMPORTERS)}; told by the file if left out"
    )
    parser.add_argument("file", type=Path, metavar="FILE", nargs="?", help="its file or folder")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help=f"what to write (default: {OUTPUT}; - for standard output)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    parser.add_argument(
        "--url", nargs="?", const="", metavar="URL", help="read the tool's API instead of a file; the key is a variable"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the report and write nothing")
    parser.add_argument(
        "--regions", metavar="NAMES", help="litellm: the regions that check, like eu-west,us-east (default: all)"
    )
    parser.add_argument(
        "--as", dest="proxy", default="", metavar="NAME", help="litellm: the name of the proxy, like staging"
    )
    parser.add_argument("--data-dir", help="litellm: the data folder of the running `up`")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    if len(args.proxy) > SOURCE_MOST or not args.proxy.isprintable():
        raise CommandError(f"--as takes a name of up to {SOURCE_MOST} characters")
    if args.source != LITELLM or args.output is not None:
        args.output = args.output or OUTPUT
        return import_file.run(args)
    if args.file is None:
        raise CommandError("name the file: the config.yaml of the LiteLLM proxy")
    try:
        planned = plan(read_config(args.file))
    except BadConfig as problem:
        raise CommandError(str(problem)) from None
    if args.dry_run:
        shown = as_json(planned, os.environ) if args.json else render(planned, os.environ)
        sys.stdout.write(shown)
        return 0
    connect(args.data_dir)
    return _carry_out(args, planned)


def render(planned: ImportPlan, environment: Mapping[str, str]) -> str:
    """The plan as a table for people: monitors, chains, and what their owner should know."""
    head = ("MONITOR", "ADDRESS", "KEY FROM", "MODELS")
    rows = [
        (
            one.target.preset,
            one.target.address or "the provider's own",
            _key(one.target, environment),
            ", ".join(one.models),
        )
        for one in planned.monitors
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(3)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
             for row in (head, *rows)]  # fmt: skip
    if planned.chains:
        lines += ["", "CHAINS"]
    for chain in planned.chains:
        steps = [_targets(chain.primaries), *(f"{group}: {_targets(targets)}" for group, targets in chain.fallbacks)]
        lines.append(f"  {chain.group}: " + "  then  ".join(steps))
    if planned.warnings:
        lines += ["", "WARNINGS", *(f"  {warning}" for warning in planned.warnings)]
    return "\n".join(lines) + "\n"


def as_json(planned: ImportPlan, environment: Mapping[str, str]) -> str:
    """The plan for scripts."""
    monitors: list[dict[str, Any]] = [
        {
            "name": one.target.name,
            "preset": one.target.preset,
            "address": one.target.address,
            "key_env": one.target.key,
            "key_set": bool(environment.get(one.target.key)),
            "models": list(one.models),
        }
        for one in planned.monitors
    ]
    chains = [
        {
            "group": chain.group,
            "primaries": [target.name for target in chain.primaries],
            "fallbacks": [
                {"group": group, "monitors": [target.name for target in targets]} for group, targets in chain.fallbacks
            ],
        }
        for chain in planned.chains
    ]
    left_out = [{"group": one.group, "why": one.why} for one in planned.unmonitored]
    shown = {"monitors": monitors, "chains": chains, "unmonitored": left_out, "warnings": list(planned.warnings)}
    return json.dumps(shown) + "\n"


def _carry_out(args: argparse.Namespace, planned: ImportPlan) -> int:
    from django.core.exceptions import ValidationError

    from vigil.accounts.teams import default_team
    from vigil.model_watch.uses import declare_models
    from vigil.monitors.litellm_import import carry_out, name_in, wanted_addresses, wanted_keys
    from vigil.monitors.models import Monitor, Region

    team = default_team()
    names = {name_in(args.proxy, one.target.name) for one in planned.monitors}
    known = set(Monitor.objects.filter(team=team, deleted_at=None, name__in=names).values_list("name", flat=True))
    # A monitor that is there keeps the key that it has.
    unknown = tuple(one for one in planned.monitors if name_in(args.proxy, one.target.name) not in known)
    environment = _with_variables(wanted_keys(ImportPlan(unknown, (), ())), wanted_addresses(planned))
    regions = list(Region.objects.filter(enabled=True).order_by("slug"))
    if args.regions:
        wanted = args.regions.split(",")
        regions = [region for region in regions if region.slug in wanted]
        strange = sorted(set(wanted) - {region.slug for region in regions})
        if strange:
            raise CommandError(f"there is no region {strange[0]!r}: `manage.py region list` shows them")
    try:
        done = carry_out(team, planned, environment, regions, args.proxy)
        declare_models(team.pk, planned, args.proxy or "")
    except ValidationError as refused:
        field, problems = next(iter(refused.message_dict.items()))
        raise CommandError(f"nothing was imported: {field}: {problems[0]}") from None
    return _report(args.json, done, planned.warnings)


def _report(as_json: bool, done: Sequence[Done], warnings: Sequence[str]) -> int:
    """Print what became of everything; 1 when something was skipped."""
    skipped = any(one.became == "skipped" for one in done)
    if as_json:
        rows = [{"name": one.name, "became": one.became, "why": one.why} for one in done]
        print(json.dumps({"done": rows, "warnings": list(warnings)}))
        return int(skipped)
    width = max(len(one.became) for one in done)
    for one in done:
        print(f"{one.became:<{width}}  {one.name}" + (f": {one.why}" if one.why else ""))
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return int(skipped)


def _with_variables(keys: Mapping[str, bool], addresses: Set[str]) -> dict[str, str]:
    """The environment, completed at a terminal; raises CommandError that names every variable that is missing."""
    environment = dict(os.environ)
    wanted = {*addresses, *(name for name, required in keys.items() if required)}
    missing = sorted(name for name in wanted if not environment.get(name))
    if missing and not sys.stdin.isatty():
        raise CommandError(
            f"set {', '.join(missing)}: keys and addresses are taken from the environment, or run it at a terminal"
        )
    for name in missing:
        asked = input(f"{name}: ") if name in addresses else getpass.getpass(f"{name} (not shown): ")
        environment[name] = asked.strip()
        if not environment[name]:
            raise CommandError(f"{name} is needed; nothing was imported")
    return environment


def _key(target: LiteLlmTarget, environment: Mapping[str, str]) -> str:
    if not target.key:
        return "none"
    return f"{target.key} ({'set' if environment.get(target.key) else 'NOT SET'})"


def _targets(targets: tuple[LiteLlmTarget, ...]) -> str:
    return " or ".join(target.name for target in targets)
