"""Page benchmark rows: monitors with states, incidents and history, in bulk. Import it once Django is set up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from consensus.review.evidence import to_evidence
from consensus.verdicts import VERDICT_VERSION, Cause, Excluded, Exclusion, Sensitivity, Verdict, VerdictReason, Vote
from probes import keys, wire
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from vigil.accounts.teams import default_team
from vigil.history.core import packing, rollups
from vigil.history.core.packing import HOUR_MS
from vigil.history.storage import partitions
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.monitors.core.providers import provider_of
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Monitor, Region

REGIONS = {"eu-west": "aws", "us-east": "aws", "ap-south": "gcp", "us-west": "hetzner", "eu-north": "ovh"}
DAYS = 90
#: Resolved incidents of each monitor, in those days.
INCIDENTS_EACH = 3
#: One monitor in so many is in each kind of trouble.
TROUBLE_ONE_IN = 200

_HOSTS = (
    "api.openai.com",
    "api.anthropic.com",
    "api.mistral.ai",
    "shop.example.com",
    "eu.example.net",
    "db.example.org",
)
_NAMES = (
    "Chat API", "OpenAI responses", "Billing webhook", "Long context", "Embeddings", "Checkout", "Search", "Ledger",
    "Model router", "Staging chat", "Image renderer", "Speech to text", "Vector store", "Sign-in", "Web shop", "Docs",
    "Mail relay", "Reranker", "Moderation", "Batch queue", "Fine-tuning", "Mobile API", "Status feed", "Warehouse",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageScene:
    """What was written: the public ids of a monitor that is down, and of its incident."""

    monitor: str
    incident: str


def write_scene(monitors: int, seed: int = 1, now: datetime | None = None) -> PageScene:
    """Add monitors to the default team, with all that pages show of them; the same for the same seed."""
    now, random = now or timezone.now(), Random(seed)
    with transaction.atomic():
        regions = _regions()
        made = _monitors(monitors, regions, random)
        _age(now)
        down = _states(made, now)
        _past_incidents(made, random, now)
        incident = _open_incident(down, now)
        _history(made, regions, now)
    _latest(made, down, now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return PageScene(down.public_id, incident.public_id)


def _regions() -> list[Region]:
    for slug, domain in REGIONS.items():
        Region.objects.get_or_create(slug=slug, defaults={"domain": domain})
    return list(Region.objects.filter(slug__in=REGIONS))


def _monitors(count: int, regions: Sequence[Region], random: Random) -> list[Monitor]:
    team, made, before = default_team(), [], Monitor.objects.count()
    for place in range(before, before + count):
        config = {"url": f"https://{_HOSTS[place % len(_HOSTS)]}/v1/{place}"}
        made.append(
            Monitor(
                team=team, name=_name(place), kind="http", config=config, interval_s=60,
                timeout_ms=5_000, tags=["prod"] if place % 3 else ["prod", "eu"], provider=provider_of(config),
                paused=place % 250 == 9,
            )
        )  # fmt: skip
    made = Monitor.objects.bulk_create(made, batch_size=2_000)
    through = Monitor.regions.through
    through.objects.bulk_create(
        [through(monitor_id=monitor.pk, region_id=region.pk) for monitor in made for region in regions],
        batch_size=5_000,
    )
    return made


def _name(place: int) -> str:
    """Plain names first, then the same with numbers."""
    name = _NAMES[place % len(_NAMES)]
    return name if place < len(_NAMES) else f"{name} {place}"


def _age(now: datetime) -> None:
    Monitor.objects.update(created_at=now - timedelta(days=DAYS + 30))


def _states(monitors: Sequence[Monitor], now: datetime) -> Monitor:
    """One in `TROUBLE_ONE_IN` is down, one slow, one unknown; returns one that is down."""
    down = []
    rows = []
    for place, monitor in enumerate(monitors):
        turn = place % TROUBLE_ONE_IN
        row = MonitorState(monitor=monitor, status=Status.UP, since=now - timedelta(days=12), version=1)
        if turn == 0:
            row.status, row.since = Status.DOWN, now - timedelta(minutes=12)
            down.append(monitor)
        elif turn == 1:
            row.status = Status.DEGRADED
        elif turn == 2:
            row.blind = True
        rows.append(row)
    MonitorState.objects.bulk_create(rows, batch_size=2_000)
    # The trigger has noted since when they are not seen: before this scene that is.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE history_unwatched SET from_at = %s WHERE to_at IS NULL", [now - timedelta(minutes=21)])
    return down[0]


def _past_incidents(monitors: Sequence[Monitor], random: Random, now: datetime) -> None:
    rows = []
    for monitor in monitors:
        for _ in range(INCIDENTS_EACH):
            started = now - timedelta(minutes=random.randrange(60, DAYS * 1440))
            lasted = timedelta(seconds=random.randrange(60, 3_600))
            rows.append(
                Incident(
                    team_id=monitor.team_id, monitor=monitor, kind=IncidentKind.OUTAGE, title=f"{monitor.name} is down",
                    failure=Reason.TIMEOUT, started_at=started, opened_at=started + timedelta(seconds=18),
                    resolved_at=started + lasted,
                )
            )  # fmt: skip
    Incident.objects.bulk_create(rows, batch_size=2_000)


def _open_incident(monitor: Monitor, now: datetime) -> Incident:
    incident = Incident.objects.create(
        team_id=monitor.team_id, monitor=monitor, kind=IncidentKind.OUTAGE, title=f"{monitor.name} is down",
        failure=Reason.REFUSED, started_at=now - timedelta(minutes=12), opened_at=now - timedelta(minutes=12), steps=1,
    )  # fmt: skip
    Transition.objects.create(
        incident=incident, seq=1, step=Step.OPENED, reason=StepReason.CONFIRMED, at=incident.opened_at,
        text="Down: 4 of 4 regions that could see failed.", evidence=evidence(monitor.public_id, incident.opened_at),
    )  # fmt: skip
    return incident


def evidence(monitor: str, at: datetime) -> dict[str, Any]:
    """Evidence of an outage: four regions saw connection refused in two looks, and one was silent."""
    at_ms = round(at.timestamp() * 1000)
    silent, *failing = REGIONS
    votes = [
        Vote(region, REGIONS[region], look, Status.DOWN, Reason.REFUSED, at_ms, Phases(total_us=900), attempts=2)
        for look in (1, 2)
        for region in failing
    ]
    excluded = [Excluded(silent, REGIONS[silent], Exclusion.NO_ANSWER, look) for look in (1, 2)]
    return to_evidence(
        Verdict(
            VERDICT_VERSION, "rnd_scene", monitor, Status.DOWN, VerdictReason.QUORUM_FAILED, Reason.REFUSED, at_ms,
            at_ms - 12_000, at_ms - 12_500, 5, 4, 3, 3, votes, excluded, [], Sensitivity.NORMAL, Cause.FAILURE,
            "Down: 4 of 4 regions that could see failed in each of 2 looks.", looks_ms=[at_ms - 12_000, at_ms - 2_000],
        )
    )  # fmt: skip


def _history(monitors: Sequence[Monitor], regions: Sequence[Region], now: datetime) -> None:
    """The last full hour of every monitor, and the days of the first ones."""
    hour = int(now.timestamp() * 1000) // HOUR_MS - 1
    payloads = [_hour_of(60_000 + 7_000 * shape) for shape in range(8)]
    partitions.ensure(partitions.PACKED_HOURS, hour)
    _copy("history_packedhour", "hour, monitor, region, payload", ["int4", "int4", "int2", "bytea"], (
        (hour, one.pk, region.pk, payloads[one.pk % len(payloads)]) for one in monitors for region in regions
    ))  # fmt: skip
    today = int(now.timestamp()) // 86_400
    for day in range(today - DAYS, today):
        partitions.ensure(partitions.ROLLED_DAYS, day)
    whole = rollups.of_hour(packing.unpack(payloads[0]))
    packed = rollups.pack_regions({region.pk: whole for region in regions})
    _copy("history_rolledday", "day, monitor, payload", ["int4", "int4", "bytea"], (
        (day, monitor.pk, packed) for monitor in monitors[:50] for day in range(today - DAYS, today)
    ))  # fmt: skip


def _hour_of(total_us: int) -> bytes:
    results = (
        Result(1, "mon_scene", at_ms, Status.UP, Reason.OK, at_ms, Phases(total_us=total_us + 997 * (at_ms % 40)))
        for at_ms in range(1_000, HOUR_MS, 60_000)
    )
    return packing.pack(packing.in_order(packing.entry(result) for result in results))


def _copy(table: str, columns: str, types: list[str], rows: Iterator[tuple[object, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _latest(monitors: Sequence[Monitor], down: Monitor, now: datetime) -> None:
    """The last result of each monitor in each region, seconds ago."""
    at_ms = round(now.timestamp() * 1000) - 5_000
    pipe = redis_client().pipeline(transaction=False)
    for region in REGIONS:
        well = {
            one.public_id: wire.encode(
                Result(1, one.public_id, at_ms, Status.UP, Reason.OK, at_ms, Phases(total_us=90_000),
                       facts={"certificate_days": 61})
            )
            for one in monitors
        }  # fmt: skip
        well[down.public_id] = wire.encode(
            Result(1, down.public_id, at_ms, Status.DOWN, Reason.REFUSED, at_ms, Phases())
        )
        pipe.hset(keys.latest(region), mapping=well)  # type: ignore[arg-type]
    pipe.execute()
