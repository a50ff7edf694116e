"""Findings about alert delivery: channels, fallback, reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min, Q, QuerySet

from vigil.accounts.models import Team
from vigil.alerts.models import OPEN_STATES, Channel, Delivery, DeliveryState
from vigil.configuration import configuration
from vigil.doctor.findings import ExaminationContext, Finding, ago, problem, warning, well
from vigil.history.models import Report
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Monitor

RECENT = timedelta(hours=24)
#: An open delivery is older than this only when its channel did not accept it.
PROMPT = timedelta(minutes=1)
#: Deliveries that were tried and refused, and are tried again.
STUCK = Q(state__in=OPEN_STATES) & ~Q(last_error="")


def channels(around: ExaminationContext) -> Iterator[Finding]:
    """Channels with recent dead letters, and teams without a channel."""
    dead = Delivery.objects.filter(state=DeliveryState.DEAD, created_at__gt=around.now - RECENT)
    # Self-tests have their own finding.
    dead = dead.exclude(incident__kind=IncidentKind.SELF_TEST)
    failing = dead.values("channel__name", "channel__team__slug").annotate(times=Count("pk")).order_by("-times")
    troubled = 0
    for row in failing[:20]:
        troubled += 1
        last = dead.filter(channel__name=row["channel__name"]).order_by("-pk").first()
        why = f": {last.last_error}" if last and last.last_error else ""
        name = f"{row['channel__name']} ({row['channel__team__slug']})"
        yield problem(
            f"Channel {name} lost {row['times']} alerts in 24 h{why}.", "Correct its settings and send a test message."
        )
    for finding in _stuck(around):
        troubled += 1
        yield finding
    for team in _watching().exclude(channels__enabled=True).distinct():
        troubled += 1
        yield problem(f"Team {team.slug} has monitors and no channel: no alert can be sent.", "Add a channel.")
    if not troubled:
        yield well("No channel lost an alert in 24 h.")


def _stuck(around: ExaminationContext) -> Iterator[Finding]:
    """Channels whose oldest open alert was tried and not accepted."""
    waiting = Delivery.objects.filter(STUCK, created_at__lt=around.now - PROMPT)
    for row in waiting.values("channel", "channel__name").annotate(since=Min("created_at"))[:20]:
        error = waiting.filter(channel=row["channel"]).order_by("-pk").values_list("last_error", flat=True)[0]
        lasts = ago((around.now - row["since"]).total_seconds())
        yield problem(
            f"Channel {row['channel__name']} has accepted no alert for {lasts}: {error}",
            "Correct its settings or its receiver; Vigil tries again by itself.",
        )


def fallback(around: ExaminationContext) -> Iterator[Finding]:
    without = _watching().filter(channels__enabled=True).exclude(channels__enabled=True, channels__fallback=True)
    for team in without.distinct():
        yield warning(
            f"Team {team.slug} has no fallback channel.",
            "Add one with another provider. It gets alerts that no other channel accepted within two minutes.",
        )


def mail(around: ExaminationContext) -> Iterator[Finding]:
    used = Channel.objects.filter(kind="email", enabled=True).exists()
    if used and configuration().email_url is None:
        yield problem("There are e-mail channels but no mail server.", "Set VIGIL_EMAIL_URL for deliver.")


def refused_recipients(around: ExaminationContext) -> Iterator[Finding]:
    """Recipients of e-mail that the mail server refused while it took the letter for others."""
    sent = Delivery.objects.filter(state=DeliveryState.SENT, created_at__gt=around.now - RECENT)
    partly = sent.filter(channel__kind="email", answer__startswith="250 but")
    for row in partly.values("channel__name", "answer").annotate(times=Count("pk")).order_by("-times")[:20]:
        yield problem(
            f"Channel {row['channel__name']} reached only some of its recipients, {row['times']} times in 24 h:"
            f" {row['answer'].removeprefix('250 but ')}",
            "Correct or remove the address.",
        )


def reports(around: ExaminationContext) -> Iterator[Finding]:
    """Unsent reports."""
    for report in Report.objects.filter(enabled=True).exclude(last_error="").select_related("team")[:20]:
        # Of one that reached some of its recipients, the rest is kept.
        was = (
            f"was sent, {report.last_error}"
            if report.last_error.startswith("but ")
            else f"was not sent: {report.last_error}"
        )
        yield warning(
            f"The {report.frequency} report of {report.team.slug} {was}",
            "Correct VIGIL_EMAIL_URL or its recipients; Vigil retries automatically.",
        )


def _watching() -> QuerySet[Team]:
    """Teams with monitors."""
    watched = Monitor.objects.filter(deleted_at=None, paused=False).values("team")
    return Team.objects.filter(pk__in=watched).order_by("slug")
