"""Add a region, rotate its keys, drain or revoke it, or list the regions.

  manage.py region add eu-west --domain aws      print the command that enrols and starts its worker
  manage.py region add eu-west --domain aws --form kubernetes
  manage.py region rotate eu-west                print a new one: its worker gets new keys and a new Redis password
  manage.py region drain eu-west                 send it no more checks; `resume` ends that
  manage.py region revoke eu-west                also close its connections now, and forget its keys
  manage.py region keys                          what workers and consensus know the control plane by
  manage.py region list                          names, domains, and how far each is on the way to its votes

The command holds a code for one worker, good for an hour; the worker makes its keys itself. Run it on the machine that
is to check. A domain is what regions share and can lose together: a provider, a data centre, an office line. Give
regions that could fail together the same domain: a verdict needs failures from more than half of the domains. Give each
worker VIGIL_ANCHORS, addresses that it surely reaches: by them it knows at once that its own network is at fault.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from typing import TYPE_CHECKING

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.program import as_called
from vigil.enrolment.core.commands import FORMS, is_reachable_from_outside

if TYPE_CHECKING:
    from vigil.enrolment.codes import IssuedLine
    from vigil.monitors.models import Region

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ACTIONS = {
    "add": "add a region and print the command that starts its worker",
    "rotate": "print a new command, for new keys of an existing region",
    "drain": "send it no more checks, and let it finish what it has",
    "resume": "send it checks again",
    "revoke": "close its connections now, and forget its keys",
    "keys": "print VIGIL_CONTROL_KEYS of workers and VIGIL_STREAM_KEYS of consensus",
    "list": "list the regions",
}


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="|".join(_ACTIONS))
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        if name not in ("list", "keys"):
            action.add_argument("name", help="a short name: a-z, 0-9 and -, such as eu-west")
        if name == "add":
            action.add_argument(
                "--domain", required=True, help="the failure domain that it shares with other regions: aws, office"
            )
            action.add_argument(
                "--egress",
                choices=("public", "private"),
                default="public",
                help="private lets its worker dial non-public addresses (default: public)",
            )
        if name in ("add", "rotate"):
            action.add_argument("--form", choices=(*FORMS, "all"), help="how its worker runs (default: docker)")
        action.add_argument("--json", action="store_true", help="print JSON instead")
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    if args.action == "add":
        for word, what in ((args.name, "region"), (args.domain, "domain")):
            if not _NAME.fullmatch(word):
                raise CommandError(
                    f"{word!r} is not a {what} name: use up to 40 of a-z, 0-9 and -, and do not start with -"
                )
    connect(args.data_dir)
    if args.action == "keys":
        return _keys(as_json=args.json)
    if args.action == "list":
        return _list(as_json=args.json)
    return _issue(args) if args.action in ("add", "rotate") else _change(args)


def _issue(args: argparse.Namespace) -> int:
    from vigil.enrolment.codes import issue
    from vigil.monitors.models import Region

    if args.action == "rotate":
        region = _region(args.name)
    elif Region.objects.filter(slug=args.name).exists():
        raise CommandError(f"region {args.name} exists already: `region rotate {args.name}` gives its worker new keys")
    else:
        region = Region(slug=args.name, name=args.name, domain=args.domain, egress=args.egress)
    issued = issue(region)
    if args.json:
        made = {"region": issued.region, "commands": issued.commands, "expires_at": issued.expires_at.isoformat()}
        print(json.dumps({**made, "redis_line": issued.redis_line}))
        return 0
    _print(issued, args.form)
    if args.action == "rotate":
        print("# It takes the place of the worker that runs there. With pipx, uv and checkout, stop that one first.")
    if not region.enabled:
        print(f"# It is sent no checks until `region resume {region.slug}`.")
    return 0


def _keys(as_json: bool) -> int:
    from probes.signing.private_keys import stream_keys_of
    from vigil.configuration import configuration
    from vigil.control_keys import control_keys

    found = {
        "VIGIL_CONTROL_KEYS": control_keys(),
        "VIGIL_STREAM_KEYS": stream_keys_of(configuration().seal_keys.get_secret_value()),
    }
    if as_json:
        print(json.dumps(found))
        return 0
    print("# VIGIL_CONTROL_KEYS is for the workers of all regions, and is no secret.")
    print("# VIGIL_STREAM_KEYS is one, for consensus alone.")
    print("\n".join(f"{name}={value}" for name, value in found.items()))
    return 0


def _print(issued: IssuedLine, form: str | None) -> None:
    from vigil.configuration import configuration
    from vigil.monitors.live.workers import ANCHORS_ADVICE

    outside = is_reachable_from_outside(configuration().base_url)
    if issued.redis_line:
        print("# First give its Redis user its rights: the operator of this Redis runs, as its administrator:")
        print(issued.redis_line)
    if not outside:
        print(f"# Only on this machine: {configuration().base_url} is not https, and others refuse it.")
    print(f"# Run this where region {issued.region} is to check from. Its code holds for one worker, for an hour.")
    chosen = form or ("docker" if outside else "checkout")
    for name in FORMS if chosen == "all" else (chosen,):
        line = as_called(issued.commands[name])
        print(f"# {name}:\n{line}" if chosen == "all" else line)
    if form is None:
        print(f"# Other forms: --form {', '.join(one for one in FORMS if one != chosen)}, all.")
    print(f"# VIGIL_ANCHORS: {ANCHORS_ADVICE}")


def _change(args: argparse.Namespace) -> int:
    from vigil.enrolment.ending import left_to_do, revoke

    region, left = _region(args.name), ""
    said = {"drain": "is sent no more checks", "resume": "is sent checks again"}.get(args.action, "")
    if args.action == "revoke":
        left = left_to_do(region, revoke(region))
        said = (
            f"is revoked: it is sent nothing more. {left[:-1]}"
            if left
            else "is revoked: its keys and its connections are gone"
        )
    else:
        region.enabled = args.action == "resume"
        region.save(update_fields=["enabled"])
    told = {"region": args.name, "enabled": region.enabled, "left_to_do": left}
    print(json.dumps(told) if args.json else f"{args.name} {said}.")
    return 0


def _region(name: str) -> Region:
    from vigil.monitors.models import Region

    found = Region.objects.filter(slug=name).first()
    if found is None:
        raise CommandError(f"there is no region {name!r}: `region list` has their names")
    return found


def _list(as_json: bool) -> int:
    from probes import keys
    from probes.process.connections.clients import open_both
    from vigil.monitors.models import Region
    from vigil.read_models.regions import is_in_shadow

    regions = list(Region.objects.select_related("shadow").order_by("slug"))
    urls = os.environ["VIGIL_REDIS_URL"], os.environ.get("VIGIL_CONTROL_REDIS_URL", "")
    with open_both(*urls, socket_timeout=5, socket_connect_timeout=5) as client:
        held = set(client.hkeys(keys.QUARANTINED))
        reports = [client.exists(keys.status(region.slug)) for region in regions]
    rows = [
        {
            "name": region.slug,
            "domain": region.domain,
            "egress": region.egress,
            "enabled": region.enabled,
            "started": region.worker_since is not None,
            "reports": bool(report),
            "enrolled": region.public_key is not None,
            "shadow": is_in_shadow(region),
            "votes": region.slug.encode() not in held and not is_in_shadow(region),
        }
        for region, report in zip(regions, reports, strict=True)
    ]
    if as_json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print(f"{row['name']:<20} {row['domain']:<20} {row['egress']:<8} {_state(row)}")
    return 0


def _state(row: dict[str, object]) -> str:
    if not row["enabled"]:
        return "disabled"
    if not row["reports"]:
        waits = "enrolled, has not connected yet" if row["enrolled"] else "waits for its worker: none is enrolled"
        return "dark: no worker reports" if row["started"] else waits
    if row["shadow"]:
        return "reports, in shadow: its votes do not count yet"
    return "reports" if row["votes"] else "reports, in quarantine: its votes do not count"
