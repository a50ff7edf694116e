"""Group keys: what incidents have in common (parent, host, provider, tag), with a label. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from vigil.alerts.core.group_state import FLOOD
from vigil.heartbeats.core.wording import UNHEARD

TAGS_MOST = 8
#: The one group of all notices of a channel.
NOTICES = "notice|all"


@dataclass(frozen=True, slots=True)
class GroupingSubject:
    """What group keys are derived from: a monitor's target, tags and parents."""

    target: str = ""
    tags: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()
    shared: str = ""


def strong_keys(event: str, subject: GroupingSubject) -> tuple[str, ...]:
    """Strong keys, likely the common cause: parent, host, provider. Resolves never share a group with triggers."""
    host = host_of(subject.target)
    keys = [f"parent:{parent}" for parent in subject.parents]
    keys += [f"cause:{subject.shared}"] if subject.shared else []
    keys += [f"host:{host}", f"provider:{provider_of(host)}"] if host else []
    return tuple(f"{event}|{key}"[:200] for key in keys)


def weak_keys(event: str, subject: GroupingSubject) -> tuple[str, ...]:
    """Weak group keys, shared by many incidents without being the cause: a tag, or the moment."""
    tags = [f"{event}|tag:{tag}"[:200] for tag in subject.tags[:TAGS_MOST]]
    return (*tags, f"{event}|{FLOOD}")


def whole_key(event: str, subject: GroupingSubject) -> str:
    """Key of causes that are known before their first page: what is due at once is one message. Empty for others."""
    return f"{event}|cause:{subject.shared}"[:200] if subject.shared.startswith(UNHEARD) else ""


def in_words(key: str) -> str:
    """Label of a key, such as `host api.example.com`; empty for the moment."""
    name = key.partition("|")[2]
    what, _, which = name.partition(":")
    return f"{what} {which}" if what in ("host", "provider", "tag") and which else ""


@lru_cache(maxsize=65536)
def host_of(target: str) -> str:
    """Host of a target (URL or host:port); empty if it has none."""
    try:
        parts = urlsplit(target if "://" in target else f"//{target}")
        return (parts.hostname or "")[:120]
    except ValueError:
        return ""


def provider_of(host: str) -> str:
    """Registered domain of a host: its last two labels, or the address itself."""
    labels = host.split(".")
    if len(labels) < 3 or labels[-1].isdigit() or ":" in host:
        return host
    # No list of public suffixes (co.uk): one label more is always safe.
    return ".".join(labels[-3:] if len(labels[-2]) <= 3 else labels[-2:])
