"""Plants secrets everywhere a person may put one, walks every path of failure, and looks for them everywhere else.

Run by test_canary.py as a process of its own. Prints one JSON object: {"places": looked at, "leaks": [place, ...],
"reasons": what the checks came to}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django
import httpx
import redis

from probes import keys, wire
from tests.streams import entries
from vigil.demo.stage import SEATS, Stage

#: Obviously fake, and long enough to be found in any piece.
SECRETS = {name: f"canary-{name}-obviously-fake-0123456789" for name in ("bearer", "basic", "header", "channel")}
DEADLINE_S = 40.0
TLS_HANDSHAKE = b"\x16"


class Hostile:
    """A target that repeats what it was sent, in every way that a target can fail."""

    def __init__(self) -> None:
        self.port = 0
        self.authorizations: list[str] = []
        #: Requests that brought a secret to where it belongs: without any, finding none elsewhere proves nothing.
        self.carried = 0

    async def open(self) -> None:
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(1)
            if first == TLS_HANDSHAKE:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                writer.close()
                return
            sent = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.carried += any(secret in sent for secret in SECRETS.values())
            path = sent.split(" ")[1]
            if path == "/hang":
                await reader.read()
            writer.write(self._answer(path, sent))
            await writer.drain()
            writer.close()

    def _answer(self, path: str, sent: str) -> bytes:
        body = sent.encode()
        if path == "/elsewhere":
            self.authorizations += [line for line in sent.splitlines() if "canary" in line]
        elsewhere = f"Location: http://127.0.1.9:{self.port}/elsewhere\r\n"
        where = elsewhere if path == "/redirect" else ""
        lines = {
            "/redirect": "302 Found",
            "/refused-key": "401 Unauthorized",
            "/limit": "429 Too Many Requests",
            "/broken": "500 Internal Server Error",
            "/rubbish": sent.splitlines()[-3],
        }
        first = lines.get(path, "200 OK")
        echo = f"X-Echo: {sent.splitlines()[-3][:200]}"
        head = f"HTTP/1.1 {first}\r\n{where}{echo}\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"Connection: close\r\n\r\n" + body


TAILS = ("", "/state", "/latest", "/headroom")
PATHS = ("/", "/redirect", "/refused-key", "/limit", "/broken", "/rubbish", "/hang")


def write_scene(stage: Stage, target: Hostile) -> tuple[list[str], str]:
    """A monitor for each path and kind of secret, and a channel; returns their ids and a token of the API."""
    from vigil.accounts.models import Scope
    from vigil.accounts.teams import default_team
    from vigil.accounts.tokens import issue_token
    from vigil.alerts.models import Channel
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    Channel(team=team, name="hook", kind="webhook", config={"url": stage.hook_url},
            secrets={"secret": stage.secret, "spare": SECRETS["channel"]}).save()  # fmt: skip
    regions = list(Region.objects.filter(slug__in=[seat.region for seat in SEATS[:3]]))
    kinds = {
        "bearer": {"bearer": SECRETS["bearer"]},
        "basic": {"basic": "user:" + SECRETS["basic"]},
        "header": {"header.X-Api-Key": SECRETS["header"]},
    }
    urls = [f"http://127.0.0.1:{target.port}{path}" for path in PATHS]
    urls += [f"https://127.0.0.1:{target.port}/", "http://127.0.0.1:1/", "http://no-such-name.invalid/"]
    made = []
    for number, url in enumerate(urls):
        for kind, secrets in kinds.items():
            wanted = {"name": f"{kind} {number}", "kind": "http", "config": {"url": url}, "secrets": secrets,
                      "interval_s": 5, "timeout_ms": 1_500, "sensitivity": "high", "regions": regions}  # fmt: skip
            made.append(create_monitor(team, wanted).public_id)
    _, token = issue_token(team, "canary", scopes=[Scope.READ, Scope.WRITE])
    return made, token


def everything_stored() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text; sealed columns hold only ciphertext and are looked at as they are."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                yield f"table {table}", row


def everything_in_redis(url: str) -> Iterator[tuple[str, str]]:
    with redis.Redis.from_url(url) as client:
        for name in client.scan_iter(count=1000):
            yield f"redis {name.decode()}", (client.dump(name) or b"").decode("latin-1")
        for region in [seat.region for seat in SEATS]:
            for _, fields in entries(client, keys.results(region)):
                yield f"results {region}", fields[keys.BODY].decode("latin-1")


def everything_answered(base: str, token: str, monitors: list[str]) -> Iterator[tuple[str, str]]:
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        paths = ["monitors", "channels", "incidents", "regions"]
        paths += [f"monitors/{monitor}{tail}" for monitor in monitors for tail in TAILS]
        for path in paths:
            yield f"api {path}", client.get(f"/api/v1/{path}?limit=200").text
        refused = {"name": "x", "kind": "http", "config": {"url": "nonsense"}, "secrets": {"bearer": SECRETS["bearer"]}}
        yield "api refusal", client.post("/api/v1/monitors", json=refused).text


def reasons_seen(url: str) -> set[str]:
    with redis.Redis.from_url(url) as client:
        return {
            result.reason.value
            for seat in SEATS[:3]
            for _, fields in entries(client, keys.results(seat.region))
            for result in wire.decode_results(fields[keys.BODY])
        }


def leaks(places: Iterator[tuple[str, str]]) -> tuple[int, list[str]]:
    count, found = 0, []
    for place, text in places:
        count += 1
        found += [f"{place}: {name}" for name, secret in SECRETS.items() if secret in text or secret[7:] in text]
    return count, found


async def main() -> dict[str, object]:
    stage, target = Stage(), Hostile()
    try:
        await target.open()
        await stage.open()
        await asyncio.to_thread(django.setup)
        monitors, token = await asyncio.to_thread(write_scene, stage, target)
        address = stage.installation.addresses
        wanted = {"auth", "rate_limited", "http_5xx", "timeout", "tls_error", "refused", "dns_error", "protocol_error"}
        deadline = time.monotonic() + DEADLINE_S
        seen: set[str] = set()
        while not wanted <= seen and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            seen = await asyncio.to_thread(reasons_seen, address.redis_url)

        def search() -> tuple[int, list[str]]:
            logs = ((f"log {path.name}", path.read_text()) for path in Path(stage.path, "logs").iterdir())
            answers = everything_answered(address.base_url, token, monitors)
            found = [
                leaks(each) for each in (logs, everything_stored(), everything_in_redis(address.redis_url), answers)
            ]
            return sum(count for count, _ in found), [leak for _, own in found for leak in own]

        places, found = await asyncio.to_thread(search)
        found += [f"sent across origins: {line}" for line in target.authorizations]
        alerts = json.dumps([str(alert) for alert in await stage.alerts()])
        found += [f"alert: {name}" for name, secret in SECRETS.items() if secret in alerts]
        return {
            "places": places,
            "carried": target.carried,
            "leaks": found,
            "missing": sorted(wanted - seen),
            "reasons": sorted(seen),
        }
    finally:
        await stage.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
    sys.stdout.flush()
