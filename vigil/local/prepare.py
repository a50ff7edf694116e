"""The step between PostgreSQL and everything that needs its tables: migrate, first admin, regions of this machine.

Run as `python -m vigil.local.prepare NAME:DOMAIN:EGRESS:PUBLICKEY...`; prints a one-time login link.
"""

from __future__ import annotations

import os
import sys

import django


def main(regions: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    django.setup()
    _migrate()
    for region in regions:
        name, domain, egress, public_key = region.split(":")
        _enrol(name, domain, egress, bytes.fromhex(public_key))

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


def _enrol(name: str, domain: str, egress: str, public_key: bytes) -> None:
    """Make a region of this machine known; one that exists keeps what people changed, except the key."""
    from vigil.monitors.models import Region

    known, _ = Region.objects.get_or_create(
        slug=name, defaults={"name": name, "domain": domain, "egress": egress, "public_key": public_key}
    )
    if bytes(known.public_key or b"") != public_key:
        Region.objects.filter(pk=known.pk).update(public_key=public_key)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
