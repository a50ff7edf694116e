"""The step between PostgreSQL and everything that needs its tables: migrate, first admin, regions of this machine.

Run as `python -m vigil.local.prepare NAME:DOMAIN:EGRESS:PUBLICKEY:SIGNINGKEY...`; prints a one-time login link.
"""

from __future__ import annotations

import os
import sys

import django


def main(regions: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    django.setup()
    _migrate()
    _commit_shards()
    for region in regions:
        name, domain, egress, *public = region.split(":")
        public_key, signing_key = map(bytes.fromhex, public)
        _enrol(name, domain, egress, (public_key, signing_key))

    from vigil.accounts.login import LONG_LINK_LIFE, create_login_link, ensure_first_admin

    print(create_login_link(ensure_first_admin(), LONG_LINK_LIFE), int(LONG_LINK_LIFE.total_seconds()))
    return 0


def _migrate() -> None:
    """Apply what is not applied; asking first is much cheaper than running the command for nothing."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def _commit_shards() -> None:
    """As `migrate` does in a deployment, also where there was nothing to migrate."""
    from vigil.incidents.shards import commit_configured

    commit_configured()


def _enrol(name: str, domain: str, egress: str, public: tuple[bytes, bytes]) -> None:
    """Make a region of this machine known; one that exists keeps what people changed, except the keys."""
    from vigil.monitors.live.workers import set_keys
    from vigil.monitors.models import Region

    region = Region.objects.filter(slug=name).first() or Region(slug=name, name=name, domain=domain, egress=egress)
    if (bytes(region.public_key or b""), bytes(region.signing_key or b"")) != public:
        set_keys(region, *public)
        region.save()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
