"""What the stored installation holds, made through the API and the admin: settings, one past outage and open ones."""

from __future__ import annotations

import base64
import os
import re
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from http.cookiejar import CookieJar
from typing import Any

from tests.e2e.installations.endpoints import ADDRESS, Endpoints
from tests.e2e.up import Api, Up
from tests.waiting import until

REGIONS = [f"local-{number}" for number in range(1, 5)]
#: Lists of which each row is kept, to be compared with what newer code says.
KEPT = (
    "monitors", "composites", "heartbeats", "channels", "routes", "people", "rotations", "policies", "silences",
    "objectives", "reports", "regions", "incidents",
)  # fmt: skip
#: How long the older code may take for any one thing.
WITHIN_S = 120
_MONITOR = {"kind": "http", "interval_s": 5, "timeout_ms": 2000}


class Admin:
    """The admin pages, signed in by the link that `up` printed."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._root = f"{said['address']}/admin/"
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._sign_in(said["login_link"])

    def _sign_in(self, link: str) -> None:
        self._opener.open(link, timeout=20).close()
        # An older installation signed in at the first look at its link.
        if not any(cookie.name == "vigil_session" for cookie in self._cookies):
            token = next(cookie.value for cookie in self._cookies if cookie.name == "vigil_csrf")
            form = urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode()
            self._opener.open(link, form, timeout=20).close()

    def page(self, path: str) -> str:
        with self._opener.open(self._root + path, timeout=20) as answer:
            return str(answer.read().decode())

    def send(self, path: str, **fields: Any) -> str:
        self.page(path)
        token = next(cookie.value for cookie in self._cookies if cookie.name == "vigil_csrf")
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True).encode()
        with self._opener.open(self._root + path, form, timeout=20) as answer:
            return str(answer.read().decode())

    def new_token(self) -> str:
        said = self.send("accounts/apitoken/add/", team=1, user=1, name="upgrade", scopes=["read", "write"])
        found = re.search(r"vgl_[0-9a-z]+_[\w-]+", said)
        assert found, "the admin shows a new token"
        return found.group()

    def read_own_feed(self) -> None:
        """Switch a feed on whose address is on this machine."""
        pages = re.findall(r"feeds/feed/(\d+)/change", self.page("feeds/feed/"))
        self.send(f"feeds/feed/{pages[0]}/change/", url=f"{ADDRESS}/status")
        self.send("feeds/feed/", action="switch_on", _selected_action=pages[0])


def add_people_and_channels(api: Api) -> None:
    def channel(name: str, kind: str, **more: Any) -> str:
        return str(api("POST", "channels", {"name": name, "kind": kind, "gather": False, **more})["id"])

    signing = {"secret": "whsec_" + base64.b64encode(b"not-a-secret-not-a-secret").decode()}
    ops = channel("Ops", "webhook", config={"url": f"{ADDRESS}/ops"}, secrets=signing, self_test_minutes=5)
    night = channel("Night", "webhook", config={"url": f"{ADDRESS}/night"}, secrets=signing)
    pager = channel("Pager", "pagerduty", config={"url": f"{ADDRESS}/pagerduty"}, secrets={"routing_key": "0" * 32})
    chat = channel("Chat", "slack", secrets={"url": f"{ADDRESS}/slack"})
    channel("Letters", "email", config={"to": ["ops@example.com"]}, enabled=False, fallback=True)
    ada = api("POST", "people", {"name": "Ada", "channels": [chat]})["id"]
    turns = {"name": "Week", "people": [ada], "starts_on": "2026-11-02", "zone": "Europe/Berlin", "handover": "09:00"}
    week = api("POST", "rotations", turns)["id"]
    steps = [{"rotations": [week]}, {"delay_s": 86_400, "people": [ada]}]
    policy = api("POST", "policies", {"name": "Call", "repeats": 1, "steps": steps})["id"]
    urgent = {"name": "Shop", "position": 10, "tags": ["shop"], "channels": [ops, night, pager], "policy": policy}
    api("POST", "routes", urgent)
    api("POST", "routes", {"name": "Rest", "position": 20, "default": True, "channels": [ops], "remind_s": 86_400})


def add_monitors(api: Api) -> dict[str, str]:
    """Monitors and what refers to them; returns their ids by name."""

    def monitor(name: str, path: str, **more: Any) -> str:
        wanted = {**_MONITOR, "name": name, "config": {"url": ADDRESS + path}, "regions": REGIONS[:3], **more}
        return str(api("POST", "monitors", wanted)["id"])

    checkout = monitor("Checkout", "/checkout", tags=["shop"], priority="high")
    search = monitor("Search", "/search", tags=["shop"])
    monitor("Gateway", "/gateway", secrets={"bearer": "not-a-secret-bearer"}, parents=[search])
    monitor("Everywhere", "/everywhere", regions=REGIONS)
    monitor("Port", "", kind="tcp", config={"host": "127.0.0.1", "port": int(ADDRESS.rsplit(":")[-1])})
    monitor("Resting", "/resting", paused=True)
    legacy = monitor("Legacy", "/legacy")
    model = {"preset": "vllm-model", "model": "qwen", "address": ADDRESS, "key": "not-a-secret-key"}
    api("POST", "monitors", {**model, "name": "Model", "interval_s": 5, "timeout_ms": 2000, "regions": REGIONS[:3]})
    members = [{"monitor": checkout}, {"monitor": search}]
    api("POST", "composites", {"name": "Storefront", "rule": "all", "members": members})
    api("POST", "objectives", {"name": "Shop", "tag": "shop", "target_percent": 99.9, "window_days": 30})
    api("POST", "reports", {"frequency": "weekly", "recipients": ["ops@example.com"], "zone": "Europe/Berlin"})
    night = {"name": "Upgrades", "tags": ["db"], "cron": "0 3 * * SUN", "duration_s": 3600, "zone": "UTC"}
    api("POST", "silences", {**night, "pauses": True, "excludes": True})
    now = datetime.now(UTC)
    for name, about, minutes in (("Once", search, 1), ("Freeze", legacy, 40_000_000)):
        spell = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(minutes=minutes)).isoformat()}
        api("POST", "silences", {"name": name, "monitors": [about], **spell})
    api("POST", "regions", {"slug": "eu-west", "name": "Europe", "domain": "aws", "enabled": False})
    return {row["name"]: row["id"] for row in api.rows("monitors")}


def add_jobs(api: Api, call: Callable[[str], object]) -> str:
    """Three jobs; returns the path by which the first is called."""
    embed = api("POST", "heartbeats", {"name": "Embed documents", "job": "embeddings", "budget": {"min_items": 1}})
    api("POST", "heartbeats", {"name": "Backup", "schedule": "cron", "expression": "0 2 * * *", "grace_s": 7200})
    failing = api("POST", "heartbeats", {"name": "Report", "job": "weekly-report", "tags": ["reports"]})
    for job, what in ((embed, "/start?rid=1"), (embed, "?rid=1"), (embed, "/log"), (failing, "/fail")):
        call(urllib.parse.urlsplit(job["ping_url"]).path + what)
    return str(urllib.parse.urlsplit(embed["ping_url"]).path)


def live(up: Up, endpoints: Endpoints) -> dict[str, Any]:
    """Fill an installation and let it live through an outage that ends and one that does not; returns what it says."""
    admin = Admin(up.said)
    token = admin.new_token()
    admin.read_own_feed()
    api = Api(up.said["address"], token)

    def call(path: str) -> None:
        urllib.request.urlopen(up.said["ping_address"] + path, timeout=10).close()

    add_people_and_channels(api)
    monitors = add_monitors(api)
    job = add_jobs(api, call)
    _see_an_outage_end(api, endpoints, monitors["Search"])
    until(lambda: endpoints.answered("/deadman"), within_s=WITHIN_S)
    endpoints.broken |= {"/checkout", "/legacy", "/night"}
    until(
        lambda: open_incident(api, monitors["Legacy"]) and open_incident(api, monitors["Storefront"]), within_s=WITHIN_S
    )
    until(lambda: states_of_deliveries(api, monitors["Checkout"]) == {"sent", "pending"}, within_s=WITHIN_S)
    # The recorder writes what it has every 20 s.
    time.sleep(25)
    # A ping that is answered and not yet applied: only the log of pings has it.
    os.kill(up.said["processes"]["heartbeats"], signal.SIGSTOP)
    call(f"{job}?rid=2")
    return {
        "token": token,
        "at": datetime.now(UTC).isoformat(),
        "job": job,
        "monitors": monitors,
        "rows": {path: api.rows(path) for path in KEPT},
        "latest": api("GET", f"monitors/{monitors['Everywhere']}/latest")["results"],
        "checks": api("GET", f"monitors/{monitors['Everywhere']}/percentiles?by=all&days=1")["steps"][0],
        "uptime": api("GET", f"monitors/{monitors['Search']}/uptime?days=2"),
    }


def open_incident(api: Api, monitor: str) -> dict[str, Any]:
    """The open incident of a monitor; an empty row when it has none."""
    return next(iter(api.rows(f"incidents?monitor={monitor}&open=true")), {})


def states_of_deliveries(api: Api, monitor: str) -> set[str]:
    return {row["state"] for row in api.rows(f"deliveries?incident={open_incident(api, monitor).get('id', '')}")}


def _see_an_outage_end(api: Api, endpoints: Endpoints, monitor: str) -> None:
    until(lambda: sum(state["status"] == "up" for state in api("GET", "states")["states"]) >= 9, within_s=WITHIN_S)
    endpoints.broken.add("/search")
    until(partial(open_incident, api, monitor), within_s=WITHIN_S)
    endpoints.broken.clear()
    until(lambda: not api.rows("incidents?kind=outage&open=true"), within_s=WITHIN_S)
