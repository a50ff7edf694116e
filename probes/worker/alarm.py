"""Dead man's alarm of a region: it notifies people directly when the control plane stops responding.

It sends one message for each silence and one when the silence is over. A small file keeps what was heard and sent, so
that a restart repeats nothing. A message that is not accepted is sent again until it is, or is no longer true.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import redis.asyncio
import redis.exceptions
import structlog

from probes import keys
from probes.net.dialer import Dialer, Resolver
from probes.net.guard import Egress
from probes.net.httpx_transport import GuardedTransport
from probes.process.liveness import PARTS
from probes.worker.control_plane_silence import NOTHING, AlarmEvent, AlarmSettings, ControlPlaneSilence, SilenceMemory

LOOK_S = 5.0
KEEP_S = 30.0
DEADLINE_S = 10.0
BACKOFF_S = (2.0, 5.0, 10.0, 30.0, 60.0)
_MEMORY_LIMIT = 10_000

_log = structlog.get_logger(__name__)


class RegionAlarm:
    """Listens and notifies until cancelled; `run` raises only faults.

    `verified` gives what the control plane wrote to a field of Redis, of the field and its value.
    """

    def __init__(
        self,
        connection: redis.asyncio.Redis,
        settings: AlarmSettings,
        verified: Callable[[str, bytes], bytes | None],
    ) -> None:
        self._redis = connection
        self._verified = verified
        self._settings = settings
        # Stored times are wall-clock times; while the process runs, only the monotonic clock counts.
        self._offset_s = time.time() - time.monotonic()
        self._silence = ControlPlaneSilence(PARTS, settings.after_s, _recall(settings.memory), self._now_s())
        self._resolver = Resolver()
        # The operator of this host chose the address: the receiver may be in the private network.
        dialer = Dialer(Egress.PRIVATE, self._resolver)
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(dialer), timeout=DEADLINE_S, follow_redirects=False, trust_env=False
        )
        self._kept_s = self._try_again_s = 0.0
        self._failures = 0

    async def run(self) -> None:
        try:
            while True:
                await self._look()
                await asyncio.sleep(min(LOOK_S, self._settings.after_s / 4))
        finally:
            await self._client.aclose()
            await self._resolver.close()

    async def _look(self) -> None:
        marks = await self._marks()
        now_s = self._now_s()
        self._silence.hear(marks, now_s)
        event = self._silence.due(now_s)
        if event is not None and time.monotonic() >= self._try_again_s and await self._tell(event, now_s):
            self._silence.said(event, now_s)
            self._kept_s = 0.0
        if time.monotonic() - self._kept_s >= KEEP_S or not self._kept_s:
            self._kept_s = time.monotonic()
            await asyncio.to_thread(_keep, self._settings.memory, self._silence.memory())

    def _now_s(self) -> float:
        return time.monotonic() + self._offset_s

    async def _marks(self) -> Mapping[str, str]:
        region = self._settings.region
        try:
            found = cast(list[bytes | None], await self._redis.hmget(keys.alive(region), list(PARTS)))
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            _log.warning("alarm.nothing_heard", error=type(error).__name__)
            return {}
        written = {part: value for part, value in zip(PARTS, found, strict=True) if value}
        marks = {part: self._verified(keys.heard_by(region, part), value) for part, value in written.items()}
        return {part: mark.decode("utf-8", "replace") for part, mark in marks.items() if mark}

    async def _tell(self, event: AlarmEvent, now_s: float) -> bool:
        """Send it; False when it was not accepted and is to be tried again."""
        text = self._words(event, now_s)
        try:
            response = await self._client.post(self._settings.url, **self._message(event, text, now_s))
            accepted, why = response.is_success, str(response.status_code)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            accepted, why = False, type(error).__name__
        if accepted:
            self._failures, self._try_again_s = 0, 0.0
            _log.warning("alarm.sent", sent=event.value, silent=self._silence.silent(now_s))
            return True
        wait_s = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        self._try_again_s = time.monotonic() + wait_s
        _log.error("alarm.not_accepted", sent=event.value, why=why, retry_in_s=wait_s)
        return False

    def _words(self, event: AlarmEvent, now_s: float) -> str:
        region = self._settings.region
        if event is AlarmEvent.BACK:
            return f"Vigil, region {region}: the control plane is heard again. Alerts go their usual way."
        silent = self._silence.silent(now_s)
        which = "the whole control plane" if len(silent) == len(PARTS) else ", ".join(silent)
        return (
            f"Vigil, region {region}: nothing heard of {which} for {round(self._silence.longest_s(now_s))} s."
            " Until it is back, Vigil sends no alerts."
        )

    def _message(self, event: AlarmEvent, text: str, now_s: float) -> dict[str, Any]:
        title = "Vigil is silent" if event is AlarmEvent.SILENT else "Vigil is back"
        if self._settings.plain:
            return {"content": text.encode(), "headers": {"title": title, "content-type": "text/plain; charset=utf-8"}}
        document = {
            # `text` is what Slack, Mattermost and Google Chat show, `content` what Discord does.
            "text": text,
            "content": text,
            "event": f"control_plane_{event.value}",
            "region": self._settings.region,
            "silent": list(self._silence.silent(now_s)),
        }
        return {"json": document}


def _keep(path: Path, memory: SilenceMemory) -> None:
    """Replace the file atomically; if the disk refuses, a restart may send the same alarm again."""
    document = {"marks": dict(memory.marks), "heard_s": dict(memory.heard_s), "raised_s": memory.raised_s}
    new = path.with_suffix(f".{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(document))
        new.replace(path)
    except OSError as error:
        _log.error("alarm.not_remembered", error=type(error).__name__, path=str(path))


def _recall(path: Path) -> SilenceMemory:
    """What was kept; nothing where there is no such file or it is not readable as one."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_MEMORY_LIMIT))
        heard_s = {str(part): float(at) for part, at in document["heard_s"].items()}
        marks = {str(part): str(mark) for part, mark in document["marks"].items()}
        raised_s = document["raised_s"]
        return SilenceMemory(marks, heard_s, None if raised_s is None else float(raised_s))
    except FileNotFoundError:
        return NOTHING
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _log.error("alarm.memory_unreadable", error=type(error).__name__, path=str(path))
        return NOTHING
