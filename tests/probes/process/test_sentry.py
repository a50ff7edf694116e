"""An error report says where it broke, and nothing of what was being looked at or with what."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from probes.process.sentry import allowed, configure

CANARY = "canary-obviously-fake-secret"

_PROGRAM = f"""
import sentry_sdk, httpx
from sentry_sdk.transport import Transport
from probes.process.sentry import configure

class Kept(Transport):
    def capture_envelope(self, envelope):
        print(envelope.serialize().decode(), flush=True)

def look():
    key = "{CANARY}"
    raise httpx.ConnectError("Bearer {CANARY} at https://user:{CANARY}@example.test/?key={CANARY}")

configure("http://public@127.0.0.1:1/1", "probe-eu-west", Kept())
sentry_sdk.add_breadcrumb(message="{CANARY}")
sentry_sdk.set_context("request", {{"Authorization": "{CANARY}"}})
request = httpx.Request("GET", "http://127.0.0.1:1/")
assert "sentry-trace" not in request.headers
look()
"""


def test_a_report_holds_the_place_and_no_secret() -> None:
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=30, check=False)

    assert '"function":"look"' in ended.stdout.replace(" ", "")
    assert "ConnectError" in ended.stdout
    assert "probe-eu-west" in ended.stdout
    assert CANARY not in ended.stdout


def test_nothing_is_reported_without_an_address() -> None:
    assert configure("", "probe-eu-west") is False


@pytest.mark.parametrize(
    "field", ["request", "extra", "contexts", "breadcrumbs", "user", "message", "logentry", "modules"]
)
def test_only_what_is_on_the_list_may_leave(field: str) -> None:
    assert CANARY not in json.dumps(allowed({"event_id": "1", field: {"value": CANARY}}))
