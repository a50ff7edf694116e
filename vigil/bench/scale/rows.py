"""A hundred thousand monitors, written in bulk. Imported once Django is set up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from django.db import connection, transaction
from django.db.models.functions import Now

from probes.reasons import Status
from probes.seal import generate_keypair
from vigil.accounts.sealed import Secrets
from vigil.accounts.teams import default_team
from vigil.incidents.models import MonitorState
from vigil.monitors.models import Monitor, Region

_PIECE = 5_000
#: One monitor in so many has a key of its own, which dispatch seals to every region.
_WITH_KEY_ONE_IN = 4


def enrol(regions: Iterable[str]) -> None:
    """Make simulated regions known, each in a domain of its own."""
    for slug in regions:
        Region.objects.create(slug=slug, domain=f"domain-{slug}", public_key=generate_keypair()[1])


def grow_to(count: int, interval_s: int) -> None:
    """Write monitors until there are so many, watched from every region, each verified to be up."""
    regions = list(Region.objects.values_list("pk", flat=True))
    # Their triggers tell of every row; a dispatcher that is started afterwards reads them all anyway.
    _set_triggers("DISABLE")
    try:
        with transaction.atomic():
            places = iter(range(Monitor.objects.count(), count))
            while piece := list(islice(places, _PIECE)):
                _write(piece, regions, interval_s)
    finally:
        _set_triggers("ENABLE")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE monitors_monitor, monitors_monitor_regions, incidents_monitorstate")


def _set_triggers(how: str) -> None:
    with connection.cursor() as cursor:
        for table in ("monitors_monitor", "monitors_monitor_regions"):
            cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")


def _write(places: Sequence[int], regions: Sequence[int], interval_s: int) -> None:
    team = default_team()
    monitors = Monitor.objects.bulk_create(
        Monitor(
            team=team,
            name=f"bench {place}",
            kind="http",
            config={"url": f"https://api-{place % 997}.example.com/v1/models/{place}"},
            secrets=Secrets({"bearer": f"sk-fake-{place:08d}"} if place % _WITH_KEY_ONE_IN == 0 else {}),
            interval_s=interval_s,
            timeout_ms=5_000,
            sensitivity="high",
        )
        for place in places
    )
    MonitorState.objects.bulk_create(
        MonitorState(monitor=monitor, status=Status.UP, since=Now(), version=1) for monitor in monitors
    )
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY monitors_monitor_regions (monitor_id, region_id) FROM STDIN") as copy,
    ):
        for monitor in monitors:
            for region in regions:
                copy.write_row((monitor.pk, region))


def sick_ones(count: int) -> list[str]:
    """The public ids of some monitors whose targets will go down."""
    return list(Monitor.objects.order_by("pk").values_list("public_id", flat=True)[:count])
