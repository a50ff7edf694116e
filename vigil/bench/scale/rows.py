"""Scale benchmark rows: 100,000 monitors in bulk. Import it once Django is set up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from django.db import connection, transaction
from django.db.models.functions import Now

from probes.reasons import Status
from probes.seal import generate_keypair
from probes.signing.private_keys import region_signing_key
from vigil.accounts.sealed import Secrets
from vigil.accounts.teams import default_team
from vigil.bench.region_keys import simulated_secret
from vigil.bench.scale.recording import RecordedLoad
from vigil.bench.scale.rig import ScaleLoad
from vigil.incidents.models import MonitorState
from vigil.monitors.live.workers import set_keys
from vigil.monitors.models import Monitor, Region

_PIECE = 5_000
#: One monitor in this many has a key, which dispatch seals to every region.
_WITH_KEY_ONE_IN = 4


def enrol(regions: Iterable[str]) -> None:
    """Create simulated regions, each in its own domain."""
    for slug in regions:
        region = Region(slug=slug, domain=f"domain-{slug}")
        set_keys(region, generate_keypair()[1], region_signing_key(simulated_secret(slug)).public)
        region.save()


def grow_to(count: int, interval_s: int) -> None:
    """Create monitors up to this number, in every region, each up."""
    regions = list(Region.objects.values_list("pk", flat=True))
    # Without notifications for each row: a dispatcher started later reads all.
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
    """Public ids of monitors whose targets will fail."""
    return list(Monitor.objects.order_by("pk").values_list("public_id", flat=True)[:count])


def recorded_load(load: ScaleLoad, sick: int, well_s: int) -> RecordedLoad:
    """What a recording is made of: all monitors, of which the first fail after `well_s` seconds."""
    return RecordedLoad(
        list(Monitor.objects.order_by("pk").values_list("public_id", "revision")),
        load.region_names,
        load.interval_s * 1000,
        load.seconds * 1000,
        frozenset(sick_ones(sick)),
        well_s * 1000,
    )
