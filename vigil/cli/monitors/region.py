"""Add a region, or list the regions.

  manage.py region add eu-west --domain aws      add it and print what its worker needs; the key is shown only once
  manage.py region list                          names, domains, and whether their workers report

A domain is what regions share and can lose together: a provider, a data centre, an office line. Give regions that could
fail together the same domain: a verdict needs failures from more than half of the domains. Give each worker
VIGIL_ANCHORS, addresses that it surely reaches: by them it knows at once that its own network is at fault.
"""

from __future__ import annotations

import argparse
import json
import os
import re

from vigil.cli.connection import connect, own_redis_secret
from vigil.cli.errors import CommandError
from vigil.local.servers.redis import add_region
from vigil.local.servers.redis_users import region_user

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list")
    adding = actions.add_parser("add", help="add a region and print what its worker needs")
    adding.add_argument("name", help="a short name: a-z, 0-9 and -, such as eu-west")
    adding.add_argument(
        "--domain", required=True, help="the failure domain that it shares with other regions: aws, office"
    )
    adding.add_argument(
        "--egress",
        choices=("public", "private"),
        default="public",
        help="private lets its worker dial non-public addresses (default: public)",
    )
    adding.add_argument("--replace-key", action="store_true", help="give an existing region a new key")
    listing = actions.add_parser("list", help="list the regions")
    for action in (adding, listing):
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
    return _add(args) if args.action == "add" else _list(as_json=args.json)


def _add(args: argparse.Namespace) -> int:
    from vigil.monitors.live.workers import ANCHORS_ADVICE, enrol
    from vigil.monitors.models import Region

    known = Region.objects.filter(slug=args.name).first()
    if known is not None and not args.replace_key:
        raise CommandError(f"region {args.name} exists already: --replace-key gives its worker a new key")
    region = known or Region(slug=args.name, name=args.name)
    region.domain, region.egress = args.domain, args.egress
    enrolled = enrol(region)
    own, env = _own_redis(args), enrolled.environment
    if args.json:
        print(json.dumps({**env, "VIGIL_REDIS_URL": own} if own else env))
        return 0
    print(f"# The worker of {args.name}: `python3 -m probes --region {args.name}` with this environment.")
    print("# The key is shown only now.", end=" ")
    if own:
        print("Redis of this `up` listens on loopback: the worker must run on this machine.")
    else:
        print("VIGIL_REDIS_URL is the Redis of this installation as that worker reaches it,")
        print(f"# with the user {region_user(args.name)}: deploy/redis.acl.example has its rules.")
    print("\n".join(f"{name}={value}" for name, value in env.items()))
    print(f"VIGIL_REDIS_URL={own or enrolled.redis_url}")
    print(f"# {ANCHORS_ADVICE}")
    print("# VIGIL_ANCHORS=example.com,example.net:443,192.0.2.53:53")
    return 0


def _own_redis(args: argparse.Namespace) -> str:
    """The address for the region's worker in the Redis of a running `up`; empty where Redis is another one."""
    secret = own_redis_secret(args.data_dir)
    return add_region(os.environ["VIGIL_REDIS_URL"], args.name, secret) if secret else ""


def _list(as_json: bool) -> int:
    from redis import Redis

    from probes import keys
    from vigil.monitors.models import Region

    regions = list(Region.objects.order_by("slug"))
    with Redis.from_url(os.environ["VIGIL_REDIS_URL"], socket_timeout=5, socket_connect_timeout=5) as client:
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
            "votes": region.slug.encode() not in held,
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
        return "dark: no worker reports" if row["started"] else "waits for its worker"
    return "reports" if row["votes"] else "reports, in quarantine: its votes do not count"
