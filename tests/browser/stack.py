"""The real stack for browser tests: five regions, a fake provider and a webhook receiver, as the demo starts them.

`python -m tests.browser.stack` starts it, prints one JSON line once all is ready, and runs until SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

CHECKOUT = Path(__file__).resolve().parents[2]
_STOP_S = 60
#: Names the mail server of the stack, whose own settings replace those of its process.
MAIL_SERVER = "BROWSER_TESTS_MAIL_SERVER"


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack, driven from outside: its provider by its control port, what was sent by its receiver."""

    process: subprocess.Popen[str]
    address: str
    login_link: str
    monitor: str
    provider_control: str
    receiver: str

    def provider(self, **state: Any) -> None:
        """Set the provider's state, such as `mode="refuse"`; nothing means well again."""
        httpx.post(f"{self.provider_control}/state", json=state, timeout=10).raise_for_status()

    def received(self) -> list[dict[str, Any]]:
        """Every message that the webhook receiver got."""
        found: list[dict[str, Any]] = httpx.get(f"{self.receiver}/received", timeout=10).json()
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=_STOP_S)


def start_stack(environment: dict[str, str]) -> Stack:
    """Start it in a process of its own, since it replaces the settings of its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.stack"], cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"the stack did not start: exit code {process.wait(_STOP_S)}")
    return Stack(process, **json.loads(line))


async def _serve(stage: Any) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    opening = asyncio.create_task(stage.open())
    try:
        await stage.prepared()
        monitor = await asyncio.to_thread(_write_scene, stage)
        await opening
        print(json.dumps(_said(stage, monitor)), flush=True)
        await stop.wait()
    finally:
        opening.cancel()
        await stage.close()


def _write_scene(stage: Any) -> str:
    import django

    django.setup()
    from vigil.demo.ledger import set_the_stage
    from vigil.demo.stage import SEATS
    from vigil.monitors.models import Monitor

    monitor = set_the_stage(stage.provider_url, stage.hook_url, stage.secret, [seat.region for seat in SEATS])
    # The catalogue of providers goes by host, and the fake one is on this machine.
    Monitor.objects.filter(public_id=monitor).update(provider="openai")
    return monitor


def _said(stage: Any, monitor: str) -> dict[str, str]:
    return {
        "address": stage.installation.addresses.base_url,
        "login_link": stage.installation.login_link,
        "monitor": monitor,
        "provider_control": stage.control_url,
        "receiver": stage.hook_url.removesuffix("/hook"),
    }


if __name__ == "__main__":
    from vigil.demo.stage import Stage, stage_options

    asyncio.run(_serve(Stage(wanted=stage_options(VIGIL_EMAIL_URL=os.environ[MAIL_SERVER]))))
