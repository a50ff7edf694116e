"""Alert text: what failed, since when, which regions saw it, what it means. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from vigil.alerts.wording.alert import Alert, Evidence, VoteLine
from vigil.alerts.wording.vocabulary import (
    EXCLUSIONS,
    ONE_DOMAIN,
    ONE_REGION,
    look_of,
    meaning_of,
    reason_in_words,
    template_of,
)
from vigil.incidents.core.model import Step, StepReason

#: Reasons to close an incident without a recovery.
_CLOSED_WITHOUT_RECOVERY = frozenset(
    {
        StepReason.MONITOR_PAUSED,
        StepReason.MONITOR_DELETED,
        StepReason.BECAME_OUTAGE,
        StepReason.MINORITY_EXCLUDED,
        StepReason.SELF_TEST,
    }
)

#: Steps by the clock or a person: the text starts with the reason.
_TOLD_AGAIN = frozenset({StepReason.NOT_ACKNOWLEDGED, StepReason.SNOOZE_OVER, StepReason.TAKEN_BACK})

#: Repeated steps, because the incident is not acknowledged.
_AGAIN = frozenset({Step.ESCALATED, Step.REMINDED})


#: Endings of titles that say no more than the word before the name.
_SAID_BY_WORD = frozenset({" failed", " missed its ping", " started and did not finish", " is down"})


#: The last line of a notice.
NOTHING_IS_DOWN = "This is a notice: nothing is down, and there is nothing to resolve."


def headline(alert: Alert) -> str:
    """One line for a subject, a notification or a list."""
    prefix = "TEST: " if alert.test else ""
    if alert.event == "resolve":
        word = "RESOLVED" if recovered(alert) else "CLOSED"
        return f"{prefix}{word}: {alert.name}, after {duration(_end(alert) - alert.started_at)}"
    if alert.event == "acknowledge":
        return f"{prefix}ACKNOWLEDGED: {alert.name}: {alert.note}".removesuffix(": ")
    if alert.event == "notice":
        return f"{prefix}NOTICE: {alert.title}"
    if alert.event == "note":
        return f"{prefix}NOTE: {alert.name}: {alert.note or alert.reason.replace('_', ' ')}"
    if alert.step in _AGAIN:
        word = template_of(alert.template).word
        return f"{prefix}STILL {word}: {alert.name}, for {duration(alert.at - alert.started_at)}"
    return f"{prefix}{template_of(alert.template).word}: {alert.name}{_how_many(alert)}"


def story(alert: Alert) -> list[str]:
    """Paragraphs of the full text, without markup."""
    if alert.event == "notice":
        return _notice(alert)
    lines = [f"The alert that opened this incident did not reach this channel: {alert.missed}"] if alert.missed else []
    if alert.event == "resolve":
        lines.append(_resolved(alert))
    elif alert.event == "acknowledge":
        lines.append("This incident is acknowledged.")
        lines.append(f"Open since {clock(alert.started_at)}, for {duration(alert.at - alert.started_at)}.")
    elif (alert.event == "note" and alert.note) or (alert.reason in _TOLD_AGAIN and alert.note):
        lines.append(alert.note)
    lines += _seen(alert)
    if alert.event == "trigger":
        lines.append(_since(alert))
        lines.append(_meaning(alert))
        lines.append(look_of(alert.template, alert.failure))
    lines += alert.context
    return [line for line in lines if line]


def _notice(alert: Alert) -> list[str]:
    monitor = f"Monitor: {alert.subject.name}." if alert.subject else ""
    change = [f"{word}: {said}" for word, said in (("Before", alert.before), ("After", alert.after)) if said]
    return [line for line in (monitor, *change, NOTHING_IS_DOWN) if line]


def votes(alert: Alert) -> list[str]:
    """All votes, and all regions without one, a line each."""
    excluded = [f"{lost.region} ({lost.domain}): {exclusion_in_words(lost.why)}" for lost in alert.evidence.excluded]
    return [vote_line(vote) for vote in alert.evidence.votes] + excluded


def vote_line(vote: VoteLine) -> str:
    """One vote, such as `eu-west (aws): down, timed out`."""
    counted = "" if vote.counted else ", not counted"
    return f"{vote.region} ({vote.domain}): {vote.status}, {_because(vote)}{counted}"


def exclusion_in_words(why: str) -> str:
    return EXCLUSIONS.get(why, why.replace("_", " "))


def duration(length: timedelta) -> str:
    """A duration for people: `42 s`, `12 min`, `3 h 5 min`, `2 d 1 h`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _how_many(alert: Alert) -> str:
    evidence = alert.evidence
    if not evidence.votes:
        # The word before the name says how a job failed.
        if alert.title == alert.name or alert.title.removeprefix(alert.name) in _SAID_BY_WORD:
            return ""
        # Most titles begin with the name, which the headline has already.
        return alert.title.removeprefix(alert.name) if alert.title.startswith(alert.name) else f": {alert.title}"
    counted = [vote for vote in evidence.votes if vote.counted]
    failing = [vote for vote in counted if not vote.passed]
    why = reason_in_words(alert.failure)
    if len(failing) == 1:
        return f": fails in {failing[0].region} ({why})"
    return f": {len(failing)} of {len(counted)} regions see it fail ({why})"


def _seen(alert: Alert) -> list[str]:
    evidence = alert.evidence
    target = alert.subject.target if alert.subject else alert.name
    lines = []
    if evidence.failing:
        saw = "; ".join(f"{vote.region}: {_because(vote)}" for vote in evidence.failing)
        verb = "still see" if alert.event == "resolve" else "see"
        lines.append(
            f"{len(evidence.failing)} of {len(evidence.votes)} regions {verb} {target} fail ({saw}){_how(evidence)}."
        )
    if evidence.passing:
        names = ", ".join(vote.region for vote in evidence.passing)
        verb = "sees" if len(evidence.passing) == 1 else "see"
        lines.append(f"{names} {verb} it working." if evidence.failing else f"{names} {verb} {target} working.")
    if evidence.excluded:
        left_out = "; ".join(f"{lost.region}: {exclusion_in_words(lost.why)}" for lost in evidence.excluded)
        lines.append(f"Not counted: {left_out}.")
    if not lines and alert.event == "trigger" and (evidence.explanation or alert.note):
        lines.append(evidence.explanation or alert.note)
    return lines


def _meaning(alert: Alert) -> str:
    """What the incident means; of an outage no more than its votes prove."""
    domains = {vote.domain for vote in alert.evidence.failing if vote.counted}
    if alert.template != "outage" or len(domains) != 1:
        return meaning_of(alert.template, alert.failure)
    return ONE_DOMAIN if len(alert.evidence.failing) > 1 else ONE_REGION


def _how(evidence: Evidence) -> str:
    parts = []
    if all(vote.attempts > 1 for vote in evidence.failing):
        parts.append("each tried twice")
    domains = len({vote.domain for vote in evidence.failing})
    parts.append("on one provider" if domains == 1 else f"on {domains} different providers")
    return ", " + ", ".join(parts)


def _because(vote: VoteLine) -> str:
    words = reason_in_words(vote.reason)
    detail = vote.detail.strip()
    if vote.code and not vote.passed and str(vote.code) not in detail:
        words += f" (status {vote.code})"
    return f"{words}: {detail}" if detail and not vote.passed and detail.lower() != words else words


def _since(alert: Alert) -> str:
    waited = duration(alert.opened_at - alert.started_at)
    confirmed = "." if waited == "0 s" else f", confirmed {waited} later."
    return f"{template_of(alert.template).since} {clock(alert.started_at)}{confirmed}"


def recovered(alert: Alert) -> bool:
    """Whether the subject works again at the end of this incident."""
    return alert.reason not in _CLOSED_WITHOUT_RECOVERY


def _resolved(alert: Alert) -> str:
    if not recovered(alert):
        return alert.note or alert.reason.replace("_", " ").capitalize() + "."
    lasted = duration(_end(alert) - alert.started_at)
    was = f" ({reason_in_words(alert.failure)})" if alert.failure not in ("", "ok") else ""
    return f"Resolved at {clock(_end(alert))}. It lasted {lasted}, from {clock(alert.started_at)}{was}."


def _end(alert: Alert) -> datetime:
    return alert.resolved_at or alert.at
