"""Examination: runs all checks; a check that a server refuses becomes a finding."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from django.db import Error as DatabaseError

from vigil.doctor import (
    alert_delivery,
    base_address,
    dead_letters,
    expiries,
    monitors,
    oncall,
    processes,
    regions,
    selftests,
    servers,
    storage,
    subscribers,
)
from vigil.doctor.findings import Check, ExaminationContext, Finding, Level, problem

#: Checks in the order of the report.
CHECKS: dict[str, Check] = {
    "room": storage.room,
    "postgresql": servers.answers,
    "tables": servers.tables,
    "redis": servers.memory_policy,
    "redis_release": servers.redis_release,
    "settings": servers.settings,
    "address": base_address.base_address,
    "expiry": expiries.expiry,
    "leaders": processes.leaders,
    "ingest": processes.ingest,
    "deliver": processes.deliver,
    "deadletters": dead_letters.dead_letters,
    "recording": processes.recording,
    "regions": regions.alive,
    "domains": regions.domains,
    "refused": regions.refused,
    "users": regions.redis_users,
    "strangers": regions.strangers,
    "channels": alert_delivery.channels,
    "fallback": alert_delivery.fallback,
    "mail": alert_delivery.mail,
    "recipients": alert_delivery.refused_recipients,
    "reports": alert_delivery.reports,
    "letters": subscribers.letters,
    "routes": oncall.routes,
    "policies": oncall.policies,
    "silences": oncall.silences,
    "self-test": selftests.self_test,
    "deadman": selftests.deadman,
    "feeds": selftests.feeds,
    "monitors": monitors.seen,
    "retirements": monitors.retirements,
    "gaps": storage.gaps,
    "rollups": storage.rollups,
    "disk": storage.disk,
}
#: Checks that say something while PostgreSQL is away.
WITHOUT_DATABASE = ("room", "postgresql", "redis", "redis_release", "settings")


@dataclass(frozen=True, slots=True)
class Examined:
    """Findings of one check."""

    check: str
    finding: Finding


def examine(around: ExaminationContext) -> list[Examined]:
    """Run every check; while PostgreSQL is away, those that do without."""
    names = CHECKS if around.database_time is not None else WITHOUT_DATABASE
    return [Examined(name, finding) for name in names for finding in _found(CHECKS[name], around)]


def worst(examined: list[Examined]) -> Level:
    """Worst level of all findings."""
    return max((one.finding.level for one in examined), key=list(Level).index, default=Level.WELL)


def _found(check: Check, around: ExaminationContext) -> list[Finding]:
    try:
        return list(check(around))
    except redis.RedisError as error:
        return [problem(f"Redis does not answer ({type(error).__name__}).", "Start it, or correct VIGIL_REDIS_URL.")]
    except DatabaseError as error:
        line = (str(error).strip().splitlines() or ["no answer"])[0]
        return [problem(f"PostgreSQL refused the query: {line}", "Run `manage.py migrate`, or see its log.")]
