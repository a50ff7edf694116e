"""Alerts of every kind and event, for tests of what is said: the facts differ as those of real incidents do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from vigil.alerts.wording.alert import Alert, AlertSubject, Digest, Evidence, ExcludedLine, VoteLine

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENTS = ("trigger", "acknowledge", "note", "resolve")
OUTAGE = Alert(
    delivery="dlv_1",
    event="trigger",
    dedup_key="inc_1",
    kind="outage",
    title="Chat is down",
    failure="timeout",
    reason="confirmed",
    started_at=START,
    opened_at=START + timedelta(seconds=11),
    at=START + timedelta(seconds=11),
    link="https://vigil.test/incidents/inc_1",
    acknowledge_link="https://vigil.test/acknowledge/once",
    team="Default",
    subject=AlertSubject("mon_1", "Chat", "https://api.test/v1/models", "http", ("ai",)),
    evidence=Evidence(
        n=5,
        m=4,
        k=3,
        domains=4,
        votes=(
            VoteLine("eu-west", "aws", "down", "timeout", age_s=1.5, attempts=2, total_ms=10_000.0),
            VoteLine("us-east", "gcp", "down", "refused", age_s=1.4, attempts=2, total_ms=1.2),
            VoteLine("us-west", "azure", "down", "http_5xx", code=503, age_s=1.3, attempts=2, total_ms=80.0),
            VoteLine("ap-south", "ovh", "up", "ok", code=200, age_s=1.0, total_ms=120.0),
        ),
        excluded=(ExcludedLine("sa-east", "aws", "dark"),),
        explanation="3 of 4 regions fail",
        rule=1,
    ),
)
_NOTHING = Evidence()
_SLOW = replace(
    OUTAGE.evidence, votes=tuple(replace(vote, status="degraded", reason="slow") for vote in OUTAGE.evidence.votes[:3])
)
_REFUSED = replace(
    OUTAGE.evidence,
    votes=tuple(replace(vote, status="degraded", reason="auth", code=401) for vote in OUTAGE.evidence.votes[:3]),
)

#: One incident of each kind, as it begins.
KINDS = {
    "outage": OUTAGE,
    "degraded": replace(OUTAGE, kind="degraded", failure="slow", title="Chat is degraded", evidence=_SLOW),
    "account": replace(
        OUTAGE, kind="account", failure="auth", title="Chat refuses our key or request", evidence=_REFUSED
    ),
    "regional": replace(
        OUTAGE,
        kind="regional",
        title="Chat cannot be reached from some regions",
        evidence=replace(OUTAGE.evidence, votes=(OUTAGE.evidence.votes[0], OUTAGE.evidence.votes[3]), excluded=()),
    ),
    "blind": replace(
        OUTAGE, kind="blind", title="Region eu is dark", failure="ok", subject=None, evidence=_NOTHING,
        note="No status from this region.",
    ),
    "heartbeat": replace(
        OUTAGE, kind="heartbeat", title="Nightly backup missed its ping or failed", failure="missed",
        subject=AlertSubject("mon_2", "Nightly backup", "every day at 02:00 UTC", "heartbeat"), evidence=_NOTHING,
        note="No ping since 2030-01-01 02:00:10 UTC.",
    ),
    "composite": replace(
        OUTAGE, kind="composite", title="Answers: primary and fallback are down",
        subject=AlertSubject("cmp_1", "Answers", "all of: OpenAI, Anthropic", "composite"), evidence=_NOTHING,
        note="All of OpenAI and Anthropic are down.",
    ),
    "fallback": replace(
        OUTAGE, kind="degraded", about="fallback", title="Answers runs on a fallback",
        subject=AlertSubject("mon_9", "Answers", "Answers", "composite"), evidence=_NOTHING,
        note="Not serving: OpenAI (timeout). Serving: Anthropic (fallback 1).",
    ),
    "self_test": replace(
        OUTAGE, kind="self_test", title="Alert delivery check", failure="ok", subject=None, evidence=_NOTHING,
        note="Nothing is wrong: this tests that alerts are delivered.", test=True,
    ),
    "provider": replace(
        OUTAGE, kind="provider", title="OpenAI: 4 of 5 monitors fail together",
        subject=None, evidence=_NOTHING, note="4 of 5 monitors of OpenAI fail.",
        context=("OpenAI's status page: no incident yet.",),
    ),
}  # fmt: skip


def alert(kind: str = "outage", event: str = "trigger") -> Alert:
    """An alert of that kind at that point of the incident's life."""
    opened = KINDS[kind]
    if event == "trigger":
        return opened
    if event == "resolve":
        end = START + timedelta(minutes=12)
        well = replace(opened.evidence, votes=opened.evidence.votes[3:], excluded=())
        return replace(
            opened, event=event, delivery="dlv_4", reason="recovered", at=end, resolved_at=end, note="", evidence=well
        )
    note = "Ann is on it" if event == "acknowledge" else "It went up and down 5 times in an hour."
    reason = "by_person" if event == "acknowledge" else "flapping"
    return replace(
        opened, event=event, delivery="dlv_2", reason=reason, note=note, at=START + timedelta(minutes=3),
        evidence=_NOTHING, context=(),
    )  # fmt: skip


#: A notice, which is of no incident.
NOTICE = Alert(
    delivery="dlv_n",
    event="notice",
    dedup_key="ntc_1",
    kind="notice",
    title="gpt-x retires in 30 days",
    failure="",
    reason="retirement",
    started_at=START,
    opened_at=START,
    at=START,
    link="https://vigil.test/notices",
    team="Default",
    subject=OUTAGE.subject,
    named="gpt-x retires in 30 days",
    before="2030-02-02",
    after="2030-01-31",
)


def notices(count: int) -> Digest:
    """Several notices in one message."""
    many = tuple(replace(NOTICE, delivery=f"dlv_n{each}", dedup_key=f"ntc_{each}") for each in range(count))
    return Digest(delivery="dlv_n0", event="notice", key="dlv_n0", alerts=many, at=NOTICE.at, link=NOTICE.link)


def digest(count: int, event: str = "trigger", name: str = "shop {number}") -> Digest:
    """Many incidents in one message."""
    first = alert("outage", event)
    alerts = tuple(
        replace(
            first,
            delivery=f"dlv_d{number}",
            dedup_key=f"inc_d{number}",
            link=f"https://vigil.test/incidents/inc_d{number}",
            subject=AlertSubject(f"mon_{number}", name.format(number=number), "https://shop.test/", "http"),
        )
        for number in range(count)
    )
    return Digest(
        delivery="dlv_d0",
        event=event,
        key="dlv_d0",
        alerts=alerts,
        at=first.at,
        link="https://vigil.test/digests/dlv_d0",
        cause="host shop.test",
        closes=event == "resolve",
    )
