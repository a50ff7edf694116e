"""API benchmark: CPU and statements of a request, and of thousands of monitors in bulk.

  manage.py bench api --json
  manage.py bench api --monitors 2000 --posts 50

Requests go through the whole application (middleware, token, permission, serializer) in this process, against a real
PostgreSQL of its own with five regions. Bulk requests come first, so that lists are read from a full table. CPU is this
process's own; that of the server is in the wall times only. The throttle is off.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from vigil.bench.database import own_database
from vigil.bench.report import print_report, say
from vigil.cli.errors import CommandError

BUDGETS = {
    "post_cpu_ms": 8.0,
    "post_statements": 12.0,
    "list_of_50_cold_ms": 60.0,
    "bulk_create_s": 30.0,
    "bulk_delete_s": 10.0,
}
REGIONS = 5
CREATED_AT_ONCE = 1_000


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=10_000, help="monitors created and deleted (default 10000)")
    parser.add_argument("--posts", type=int, default=200, help="single requests of each kind (default 200)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not (1 <= args.monitors <= 10_000 and 2 <= args.posts <= 10_000):
        raise CommandError("--monitors is 1 to 10000, --posts 2 to 10000")
    with own_database(with_redis=False):
        report = measure(args.monitors, args.posts)
    print_report(report, args.json, BUDGETS)
    return 0


class Requests:
    """Requests with a token of their own, in this process."""

    def __init__(self) -> None:
        from django.test import Client
        from rest_framework.throttling import SimpleRateThrottle

        from vigil.accounts.models import Scope
        from vigil.accounts.teams import default_team
        from vigil.accounts.tokens import issue_token

        SimpleRateThrottle.THROTTLE_RATES = {"anon": None, "user": None}
        _, plain = issue_token(default_team(), "bench", (Scope.READ, Scope.WRITE))
        self._client, self._headers = Client(), {"authorization": f"Bearer {plain}"}

    def send(self, method: str, path: str, body: object = None) -> Any:
        """The document of the answer; raises `CommandError` where it is no success."""
        sent = b"" if body is None else json.dumps(body)
        answer = self._client.generic(
            method, f"/api/v1/{path}", sent, content_type="application/json", headers=self._headers
        )
        if answer.status_code >= 300:
            raise CommandError(f"{method} {path}: {answer.status_code} {answer.content[:300].decode()}")
        return answer.json() if answer.content else None


def measure(monitors: int, posts: int) -> dict[str, Any]:
    """Run everything on the database that the environment names, with Django set up."""
    from vigil.monitors.models import Region

    for number in range(REGIONS):
        Region.objects.create(slug=f"region-{number}", domain=f"domain-{number}")
    api = Requests()
    warm = api.send("POST", "monitors", monitor("warm"))
    api.send("PATCH", f"monitors/{warm['id']}", {"interval_s": 30})
    say(f"{monitors} monitors in bulk")
    report = {"monitors": monitors, **in_bulk(api, monitors)}
    say("single requests")
    report |= singles(api, posts)
    say(f"{monitors} monitors deleted")
    return report | bulk_deleted(api, monitors)


def monitor(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "http", "config": {"url": f"https://shop.test/{name}"}, "tags": ["bench"]}


def in_bulk(api: Requests, monitors: int) -> dict[str, float]:
    """Seconds of the creation of all, and CPU of one (us)."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    for first in range(0, monitors, CREATED_AT_ONCE):
        items = [monitor(f"many-{number}") for number in range(first, min(first + CREATED_AT_ONCE, monitors))]
        api.send("POST", "monitors/bulk", {"action": "create", "items": items})
    cpu_us = (time.process_time() - cpu_s) / monitors * 1e6
    return {"bulk_create_s": round(time.perf_counter() - begun_s, 2), "bulk_create_cpu_us": round(cpu_us)}


def bulk_deleted(api: Requests, monitors: int) -> dict[str, float]:
    """Seconds of the deletion of what `in_bulk` made, and CPU of one (us)."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    api.send("POST", "monitors/bulk", {"action": "delete", "filter": {"q": "many-"}})
    cpu_us = (time.process_time() - cpu_s) / monitors * 1e6
    return {"bulk_delete_s": round(time.perf_counter() - begun_s, 2), "bulk_delete_cpu_us": round(cpu_us)}


def singles(api: Requests, posts: int) -> dict[str, Any]:
    """CPU (ms) and statements of one POST, GET, PATCH and DELETE, and of a list of 50."""
    made: list[str] = []
    post = costs(lambda number: made.append(api.send("POST", "monitors", monitor(f"one-{number}"))["id"]), posts)
    listed = costs(lambda _: api.send("GET", "monitors?limit=50"), max(1, posts // 10))
    get = costs(lambda number: api.send("GET", f"monitors/{made[number]}"), posts)
    patch = costs(lambda number: api.send("PATCH", f"monitors/{made[number]}", {"interval_s": 90}), posts)
    delete = costs(lambda number: api.send("DELETE", f"monitors/{made[number]}"), posts)
    each = {"post": post, "get": get, "patch": patch, "delete": delete, "list_of_50": listed}
    return {f"{name}_{figure}": value for name, found in each.items() for figure, value in found.items()}


def costs(request: Callable[[int], object], times: int) -> dict[str, float]:
    """CPU (ms: median, and least, since a busy machine only adds), wall of the first (ms), statements of one."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cpus, first_ms = [], 0.0
    for number in range(times - 1):
        begun_s, cpu_s = time.perf_counter(), time.process_time()
        request(number)
        cpus.append((time.process_time() - cpu_s) * 1000)
        first_ms = first_ms or (time.perf_counter() - begun_s) * 1000
    with CaptureQueriesContext(connection) as seen:
        request(times - 1)
    spent = {"cpu_ms": round(statistics.median(cpus), 2), "least_cpu_ms": round(min(cpus), 2)} if cpus else {}
    return {**spent, "cold_ms": round(first_ms, 1), "statements": len(seen)}
