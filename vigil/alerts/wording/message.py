"""Channel message: worded, with links and tone, without markup. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vigil.alerts.core.group_keys import host_of
from vigil.alerts.wording import text as wording
from vigil.alerts.wording.alert import DOWN_KINDS, Alert, Digest
from vigil.alerts.wording.vocabulary import reason_in_words, template_of

#: Longest name of an incident in a digest, in characters; a channel may shorten it further.
NAME_LIMIT = 120
#: Hosts that a digest names.
HOSTS_MOST = 5
#: Kinds that may wake people; others can wait for the morning.
LOUD_KINDS = DOWN_KINDS | {"account", "channel", "heartbeat_failed", "heartbeat_overran", "lost_way"}


class Tone(StrEnum):
    """Urgency of a message, shown as colour, priority or severity."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class MessageLink:
    """A link; `text` labels its button."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel.

    `id` is the same for every attempt, `key` for all messages of an incident (or of a digest's incidents). `names` has
    a line per incident of a digest, and is empty for an alert. `closes`: nothing under `key` is open any more.
    `reference` is the receiver's id of the first message under this key.
    """

    id: str
    key: str
    event: str
    kind: str
    tone: Tone
    headline: str
    lines: tuple[str, ...]
    links: tuple[MessageLink, ...]
    at: datetime
    alerts: tuple[Alert, ...]
    names: tuple[str, ...] = ()
    closes: bool = False
    reference: str = ""

    @property
    def alert(self) -> Alert:
        """The alert; of a digest the first one."""
        return self.alerts[0]

    @property
    def is_digest(self) -> bool:
        return len(self.alerts) > 1

    @property
    def text(self) -> str:
        """All text below the headline, without links."""
        return "\n".join((*self.lines, *self.names))


def message_of(alert: Alert, key: str = "", closes: bool | None = None) -> Message:
    """Render an alert. One that belongs to a digest uses the digest's `key`."""
    return Message(
        id=alert.delivery,
        key=key or alert.dedup_key,
        event=alert.event,
        kind=alert.template,
        tone=_tone(alert.event, (alert,)),
        headline=wording.headline(alert),
        lines=tuple(wording.story(alert)),
        links=tuple(_links(alert)),
        at=alert.at,
        alerts=(alert,),
        closes=alert.event == "resolve" if closes is None else closes,
        reference=alert.reference,
    )


def message_of_digest(digest: Digest) -> Message:
    """Render a digest: how many incidents, their common cause, and every name."""
    first = min(alert.started_at for alert in digest.alerts)
    names = tuple(_names(digest.alerts))
    return Message(
        id=digest.delivery,
        key=digest.key,
        event=digest.event,
        kind=digest.alerts[0].template,
        tone=_tone(digest.event, digest.alerts),
        headline=_headline(digest),
        lines=_about(digest, first),
        links=(MessageLink("All of them", digest.link),),
        at=digest.at,
        alerts=digest.alerts,
        names=names,
        closes=digest.closes,
    )


def name_line(alert: Alert) -> str:
    """One incident of a digest in a line: its name, and its reason if it differs from the common one."""
    return " ".join(alert.name.split())[:NAME_LIMIT] or alert.dedup_key


def _headline(digest: Digest) -> str:
    if digest.event == "notice":
        return f"NOTICES: {len(digest.alerts)}"
    count = f"{len(digest.alerts)} incidents"
    about = f" ({digest.cause})" if digest.cause else ""
    words = {"resolve": "RESOLVED", "acknowledge": "ACKNOWLEDGED", "note": "NOTES"}
    if digest.event in words:
        left = f", {digest.open_left} still open" if digest.open_left else ""
        return f"{words[digest.event]}: {count}{about}{left}"
    kinds = {alert.template for alert in digest.alerts}
    word = template_of(kinds.pop()).word if len(kinds) == 1 else "TROUBLE"
    return f"{word}: {count}{about}"


def _about(digest: Digest, first: datetime) -> tuple[str, ...]:
    if digest.event == "notice":
        return ("These are notices: nothing is down, and there is nothing to resolve.",)
    return tuple(line for line in (_since(digest, first), _why(digest), _where(digest)) if line)


def _since(digest: Digest, first: datetime) -> str:
    if digest.event == "resolve":
        return "These are resolved. They share one message because there were many at once."
    return f"The first started at {wording.clock(first)}. They share one message because many started at once."


def _why(digest: Digest) -> str:
    counts: dict[str, int] = {}
    for alert in digest.alerts:
        word = f"{template_of(alert.template).word.lower()}, {reason_in_words(alert.failure)}"
        counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{count} {word}" for word, count in ordered) + "."


def _where(digest: Digest) -> str:
    """Hosts of most of them, where there are several."""
    counts = Counter(host for alert in digest.alerts if alert.subject and (host := host_of(alert.subject.target)))
    if len(counts) < 2 or sum(counts.values()) == len(counts):
        return ""
    shown = counts.most_common(HOSTS_MOST)
    more = f" and {len(counts) - len(shown)} more hosts" if len(counts) > len(shown) else ""
    return "On " + ", ".join(f"{host} ({count})" for host, count in shown) + f"{more}."


def _names(alerts: Iterable[Alert]) -> list[str]:
    return [name_line(alert) for alert in alerts]


def _links(alert: Alert) -> list[MessageLink]:
    links = [MessageLink("All notices" if alert.event == "notice" else "The incident", alert.link)]
    if alert.acknowledge_link and alert.event == "trigger":
        links.insert(0, MessageLink("Acknowledge", alert.acknowledge_link))
    return links


def _tone(event: str, alerts: Sequence[Alert]) -> Tone:
    if event == "resolve":
        return Tone.GOOD if all(wording.recovered(alert) for alert in alerts) else Tone.INFO
    if event != "trigger":
        return Tone.INFO
    if any(alert.template in LOUD_KINDS for alert in alerts):
        return Tone.CRITICAL
    return Tone.INFO if all(alert.kind in ("blind", "self_test") for alert in alerts) else Tone.WARNING
