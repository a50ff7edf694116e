"""Findings about self-tests, the dead man's switch, and status feeds."""

from __future__ import annotations

from collections.abc import Iterator

from vigil.alerts.core.selftest import doubt
from vigil.alerts.models import OutsidePing
from vigil.alerts.selftest.selftest import all_participants
from vigil.configuration import configuration
from vigil.doctor.findings import ExaminationContext, Finding, ago, note, problem, warning, well
from vigil.feeds.models import Feed

LATE_S = 300


def self_test(around: ExaminationContext) -> Iterator[Finding]:
    """Results of the last self-tests."""
    channels = all_participants()
    why = doubt(channels, around.now)
    if why:
        begun = any(channel.begun for channel in channels)
        tell = problem if begun else warning
        yield tell(f"Alert delivery is not proven: {why}.", "See self-tests in the API, and the log of deliver.")
        return
    others = [channel.name for channel in channels if not channel.loopback]
    if others:
        yield well(f"A synthetic incident got through {', '.join(others)} and the loopback.")
    else:
        yield warning(
            "A synthetic incident got through the loopback; no real channel takes part.",
            "Set self_test_minutes on a channel, such as 1440 for once a day.",
        )


def deadman(around: ExaminationContext) -> Iterator[Finding]:
    """Dead man's switch, which alerts people when this installation cannot."""
    if configuration().deadman is None:
        yield note(
            "No dead man's switch is set: no one is alerted if this installation dies.",
            "Set VIGIL_DEADMAN_URL for witness.",
        )
        return
    last = OutsidePing.objects.filter(pk=1).first()
    waits_s = (around.now - last.ok_at).total_seconds() if last and last.ok_at else None
    if waits_s is None or waits_s > LATE_S:
        since = f"since {ago(waits_s)}" if waits_s is not None else "ever"
        why = f": {last.problem}" if last and last.problem else ""
        advice = "Start `manage.py run witness`, or see its log."
        yield problem(f"The dead man's switch was not pinged {since}{why}.", advice)
    else:
        yield well("The dead man's switch is pinged.")


def feeds(around: ExaminationContext) -> Iterator[Finding]:
    """Enabled status feeds."""
    for feed in Feed.objects.filter(enabled=True):
        silent_s = (around.now - feed.ok_at).total_seconds() if feed.ok_at else None
        if silent_s is None or silent_s > LATE_S:
            why = feed.problem or "is `manage.py run witness` running?"
            advice = f"Or switch it off: `manage.py feeds --off {feed.provider}`."
            yield warning(f"The status feed of {feed} is not read: {why}", advice)
