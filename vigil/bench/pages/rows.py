"""Page benchmark rows: monitors with states, incidents and history, in bulk. Import it once Django is set up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from probes import keys
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from vigil.accounts.teams import default_team
from vigil.bench.pages.sample_votes import REGIONS, SILENT, SLOW_IN, SLOW_US, evidence, sample_result, slow_evidence
from vigil.history.core import packing, rollups
from vigil.history.core.packing import HOUR_MS
from vigil.history.storage import partitions
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.monitors.core.providers import provider_of
from vigil.monitors.live.results import redis_client
from vigil.monitors.models import Monitor, Region

DAYS = 90
INCIDENTS_EACH = 3
DOWN_FOR, SLOW_FOR = timedelta(minutes=12), timedelta(minutes=47)
#: One monitor in so many is in each kind of trouble.
TROUBLE_ONE_IN = 200

#: What is watched, by name and address; more monitors are the same with numbers.
_WATCHED = (
    ("Chat API", "api.acme.example/v1/chat"), ("Checkout", "shop.acme.example/checkout/health"),
    ("Billing webhook", "billing.acme.example/hooks"), ("Search", "search.acme.example/health"),
    ("OpenAI responses", "api.openai.com/v1/models"), ("Anthropic messages", "api.anthropic.com/v1/models"),
    ("Mistral chat", "api.mistral.ai/v1/models"), ("Groq fast path", "api.groq.com/openai/v1/models"),
    ("DeepSeek batch", "api.deepseek.com/models"), ("Cohere rerank", "api.cohere.com/v1/models"),
    ("Together fine-tunes", "api.together.xyz/v1/models"), ("OpenRouter fallback", "openrouter.ai/api/v1/models"),
    ("Voyage embeddings", "api.voyageai.com/v1/models"), ("ElevenLabs voices", "api.elevenlabs.io/v1/models"),
    ("Pinecone index", "api.pinecone.io/indexes"), ("Model router", "router.acme.example/health/readiness"),
    ("vLLM, eu", "vllm-eu.acme.example/health"), ("vLLM, us", "vllm-us.acme.example/health"),
    ("Sign-in", "id.acme.example/health"), ("Web shop", "www.acme.example/"), ("Docs", "docs.acme.example/"),
    ("Mobile API", "mobile.acme.example/v2/ping"), ("Image renderer", "images.acme.example/health"),
    ("Warehouse", "warehouse.acme.example/status"),
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
        down, slow = _states(made, now)
        _past_incidents(made, random, now)
        incident = _open_incident(down[0], now)
        if slow:
            _slow_incident(slow[0], now)
        shown = [down[0], *slow[:1]]
        _history(made, shown, regions, now)
        _last_day(shown, regions, now)
    _latest(made, down[0], slow[:1], now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return PageScene(down[0].public_id, incident.public_id)


def _regions() -> list[Region]:
    for slug, domain in REGIONS.items():
        Region.objects.get_or_create(slug=slug, defaults={"domain": domain})
    return list(Region.objects.filter(slug__in=REGIONS))


def _monitors(count: int, regions: Sequence[Region], random: Random) -> list[Monitor]:
    team, made, before = default_team(), [], Monitor.objects.count()
    for place in range(before, before + count):
        name, address = _WATCHED[place % len(_WATCHED)]
        name = name if place < len(_WATCHED) else f"{name} {place}"
        config = {"url": f"https://{address}"}
        made.append(
            Monitor(
                team=team, name=name, kind="http", config=config, interval_s=300,
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


def _age(now: datetime) -> None:
    Monitor.objects.update(created_at=now - timedelta(days=DAYS + 30))


def _states(monitors: Sequence[Monitor], now: datetime) -> tuple[list[Monitor], list[Monitor]]:
    """One in `TROUBLE_ONE_IN` is down, one slow, one unknown; returns those that are down, and those that are slow."""
    down, slow, rows = [], [], []
    for place, monitor in enumerate(monitors):
        turn = place % TROUBLE_ONE_IN
        row = MonitorState(monitor=monitor, status=Status.UP, since=now - timedelta(days=12), version=1)
        if turn == 0:
            row.status, row.since = Status.DOWN, now - DOWN_FOR
            down.append(monitor)
        elif turn == 1:
            row.status, row.since = Status.DEGRADED, now - SLOW_FOR
            slow.append(monitor)
        elif turn == 2:
            row.blind = True
        rows.append(row)
    MonitorState.objects.bulk_create(rows, batch_size=2_000)
    # The trigger has noted since when they are not seen: before this scene that is.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE history_unwatched SET from_at = %s WHERE to_at IS NULL", [now - timedelta(minutes=21)])
    return down, slow


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
    down = Incident(kind=IncidentKind.OUTAGE, title=f"{monitor.name} is down", failure=Reason.REFUSED)
    return _opened(down, monitor, now - DOWN_FOR, evidence)


def _slow_incident(monitor: Monitor, now: datetime) -> Incident:
    slow = Incident(kind=IncidentKind.DEGRADED, title=f"{monitor.name} is slow", failure=Reason.SLOW)
    return _opened(slow, monitor, now - SLOW_FOR, slow_evidence)


def _opened(
    incident: Incident, monitor: Monitor, at: datetime, votes: Callable[[str, datetime], dict[str, Any]]
) -> Incident:
    incident.team_id, incident.monitor, incident.steps = monitor.team_id, monitor, 1
    incident.started_at = incident.opened_at = at
    incident.save()
    Transition.objects.create(
        incident=incident, seq=1, step=Step.OPENED, reason=StepReason.CONFIRMED, at=at,
        text="Confirmed by its regions.", evidence=votes(monitor.public_id, at),
    )  # fmt: skip
    return incident


def _history(monitors: Sequence[Monitor], shown: Sequence[Monitor], regions: Sequence[Region], now: datetime) -> None:
    """The last full hour of every monitor but those shown, and the days of the first ones."""
    hour = int(now.timestamp() * 1000) // HOUR_MS - 1
    payloads = [_hour_of(round(60_000 * 1.4**shape)) for shape in range(8)]
    partitions.ensure(partitions.PACKED_HOURS, hour)
    _copy("history_packedhour", "hour, monitor, region, payload", ["int4", "int4", "int2", "bytea"], (
        (hour, one.pk, region.pk, payloads[one.pk % len(payloads)])
        for one in monitors if one not in shown for region in regions
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
        Result(
            1,
            "mon_scene",
            at_ms,
            Status.UP,
            Reason.OK,
            at_ms,
            Phases(total_us=total_us + total_us * (at_ms // 60_000 * 7 % 11) // 40),
        )
        for at_ms in range(1_000, HOUR_MS, 60_000)
    )
    return packing.pack(packing.in_order(packing.entry(result) for result in results))


def _last_day(monitors: Sequence[Monitor], regions: Sequence[Region], now: datetime) -> None:
    """The last full hours of some monitors: slower by day, and slower far away."""
    last = int(now.timestamp() * 1000) // HOUR_MS - 1
    partitions.ensure(partitions.PACKED_HOURS, last - 23)
    rows = []
    for hour in range(last - 23, last + 1):
        busy = 1 + 0.35 * math.sin((hour % 24 - 8) / 24 * 2 * math.pi)
        for place, region in enumerate(regions):
            payload = _hour_of(round((90_000 + 34_000 * place) * busy))
            rows += [(hour, one.pk, region.pk, payload) for one in monitors]
    _copy("history_packedhour", "hour, monitor, region, payload", ["int4", "int4", "int2", "bytea"], iter(rows))


def _copy(table: str, columns: str, types: list[str], rows: Iterator[tuple[object, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _latest(monitors: Sequence[Monitor], down: Monitor, slow: Sequence[Monitor], now: datetime) -> None:
    """The last result of each monitor in each region, seconds ago."""
    at_ms = round(now.timestamp() * 1000) - 5_000
    pipe = redis_client().pipeline(transaction=False)
    for region in REGIONS:
        seen = {one.public_id: sample_result(one.public_id, at_ms, Status.UP, Reason.OK, 90_000)
                for place, one in enumerate(monitors) if place % TROUBLE_ONE_IN != 2}  # fmt: skip
        if region in SLOW_IN:
            seen |= {
                one.public_id: sample_result(one.public_id, at_ms, Status.DEGRADED, Reason.SLOW, SLOW_US)
                for one in slow
            }
        if region == SILENT:
            seen.pop(down.public_id, None)
        else:
            seen[down.public_id] = sample_result(down.public_id, at_ms, Status.DOWN, Reason.REFUSED, 0)
        for monitor, result in seen.items():
            pipe.hset(keys.latest(region), monitor, result)
    pipe.execute()
