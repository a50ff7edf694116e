"""Environments of the processes of one machine: each gets what it needs, and no secret of another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_settings import BaseSettings

from consensus.shards import SHARDS_MOST, shards_of
from vigil.local.errors import CannotStart
from vigil.local.folder import CHECKOUT, LocalSecrets

#: What a region worker and consensus inherit of the machine's environment; of VIGIL_ names, their own settings.
_INHERITED = re.compile(
    r"PATH|HOME|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_STATE_HOME|SSL_CERT_(FILE|DIR)|LD_LIBRARY_PATH|PYTHON[A-Z]+"
)
_REGION_ONLY = (
    "VIGIL_REGION", "VIGIL_REGION_KEY", "VIGIL_CONTROL_KEYS", "VIGIL_PROBE_SOURCE",
    "VIGIL_EGRESS", "VIGIL_JOURNAL",
)  # fmt: skip


@dataclass(frozen=True)
class Addresses:
    """Where this installation's servers and pages are. Those of the servers hold passwords.

    `ping_redis_url` is empty where pings are written to the Redis of all messages.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    base_url: str
    web_port: int
    ping_redis_url: str = field(default="", repr=False)
    ping_port: int = 0


def control_env(
    addresses: Addresses, secrets: LocalSecrets, data: Path, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What a process of the control plane of this installation finds in its environment."""
    inherited = {name: value for name, value in environment.items() if name not in _REGION_ONLY}
    return inherited | {
        "VIGIL_DATABASE_URL": addresses.database_url,
        "VIGIL_REDIS_URL": addresses.redis_url,
        "VIGIL_PING_REDIS_URL": addresses.ping_redis_url,
        "VIGIL_SECRET_KEY": environment.get("VIGIL_SECRET_KEY") or secrets.secret_key,
        "VIGIL_SEAL_KEYS": environment.get("VIGIL_SEAL_KEYS") or secrets.seal_keys,
        "VIGIL_BASE_URL": addresses.base_url,
        # Like its regions, what runs on this machine is there to reach this machine and its network.
        "VIGIL_ALERT_EGRESS": environment.get("VIGIL_ALERT_EGRESS") or "private",
        "VIGIL_DATA_DIR": str(data),
        "PYTHONPATH": os.pathsep.join(map(str, filter(None, [CHECKOUT, environment.get("PYTHONPATH")]))),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }


def isolated_env(control: Mapping[str, str], settings: type[BaseSettings] | None = None) -> dict[str, str]:
    """The environment of a process that must not share the control plane's secrets: its own settings and what any
    program needs."""
    named = {f"VIGIL_{name.upper()}" for name in settings.model_fields} if settings else set()
    return {name: value for name, value in control.items() if name in named or _INHERITED.fullmatch(name)}


#: The parts of which each shard has its own.
SHARDED = ("consensus", "ingest", "record")


def sharded(part: str, env: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The name and environment of each process of a part: of one that has shards, as many as VIGIL_SHARDS says."""
    count = shard_count(env) if part in SHARDED else 1
    for shard in shards_of(count):
        name = part if shard.is_whole else f"{part}-{shard.index}"
        yield name, {**env, "VIGIL_SHARD": str(shard.index)} if count > 1 else dict(env)


def shard_count(env: Mapping[str, str]) -> int:
    """How many shards an environment asks for; raises CannotStart."""
    asked = env.get("VIGIL_SHARDS", "1")
    if not asked.isascii() or not asked.isdecimal() or not 1 <= int(asked[:5]) <= SHARDS_MOST:
        raise CannotStart(f"VIGIL_SHARDS is {asked[:20]!r}: it is a number from 1 to {SHARDS_MOST}")
    return int(asked)
