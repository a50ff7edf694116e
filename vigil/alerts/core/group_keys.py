"""What incidents may have in common: the keys by which a storm is gathered, and how each is called. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from vigil.alerts.core.grouping import FLOOD

#: More tags of one monitor than this are not looked at.
TAGS_MOST = 8


@dataclass(frozen=True, slots=True)
class GroupingSubject:
    """What a cause is read from: where the monitor looks, what it belongs to and what it depends on."""

    target: str = ""
    tags: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()
    shared: str = ""


def strong_keys(event: str, subject: GroupingSubject) -> tuple[str, ...]:
    """What two incidents share that is likely to be the cause of both: a parent, a host, a provider.

    Events have groups of their own, so that an end is never in one message with beginnings.
    """
    host = host_of(subject.target)
    keys = [f"parent:{parent}" for parent in subject.parents]
    keys += [f"cause:{subject.shared}"] if subject.shared else []
    keys += [f"host:{host}", f"provider:{provider_of(host)}"] if host else []
    return tuple(f"{event}|{key}"[:200] for key in keys)


def weak_keys(event: str, subject: GroupingSubject) -> tuple[str, ...]:
    """What many incidents at once may share without one being the cause: a tag, or only the moment."""
    tags = [f"{event}|tag:{tag}"[:200] for tag in subject.tags[:TAGS_MOST]]
    return (*tags, f"{event}|{FLOOD}")


def in_words(key: str) -> str:
    """A key as people read it: `host api.example.com`; nothing for what only came at the same moment."""
    name = key.partition("|")[2]
    what, _, which = name.partition(":")
    return f"{what} {which}" if what in ("host", "provider", "tag") and which else ""


@lru_cache(maxsize=65536)
def host_of(target: str) -> str:
    """The host of a target, a URL or host:port; nothing for what has none."""
    try:
        parts = urlsplit(target if "://" in target else f"//{target}")
        return (parts.hostname or "")[:120]
    except ValueError:
        return ""


def provider_of(host: str) -> str:
    """Who serves a host, as far as its name says: its last two labels, or the host itself for an address."""
    labels = host.split(".")
    if len(labels) < 3 or labels[-1].isdigit() or ":" in host:
        return host
    # Names below a public suffix such as co.uk are not worth a list: taking one label more is always safe.
    return ".".join(labels[-3:] if len(labels[-2]) <= 3 else labels[-2:])
