"""Starter routes: AI API failures to PagerDuty, heartbeats to PagerDuty or Slack by priority."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.accounts.sealed import Secrets
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.core.routes import Severity
from vigil.alerts.models import Channel, Route
from vigil.alerts.routing.changes import save_route
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Priority

#: Tags that presets and the LiteLLM importer set.
AI_TAGS = ["ai", "litellm"]
PAGERDUTY, SLACK = "PagerDuty", "Slack"
REGIONAL = [IncidentKind.REGIONAL.value, IncidentKind.BLIND.value]


@dataclass(slots=True)
class Arranged:
    """What was created, and what was changed."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def arrange_typical(team: Team, routing_key: str, slack_url: str) -> Arranged:
    """Create or update two channels and six routes. Idempotent: new keys change only the channels.

    1. Failures of AI APIs (outage, account): PagerDuty.
    2. Heartbeats of high priority: PagerDuty.
    3. Other heartbeats: Slack.
    4. Most regions have lost their way: PagerDuty.
    5. One region's view, and too few regions: Slack.
    6. Everything else: Slack.

    Raises `ValidationError` keyed by `routing_key` or `slack_url`.
    """
    arranged = Arranged()
    with transaction.atomic():
        pager = _channel(team, "pagerduty", PAGERDUTY, ("routing_key", routing_key), arranged)
        chat = _channel(team, "slack", SLACK, ("url", slack_url), arranged)
        urgent = [IncidentKind.OUTAGE.value, IncidentKind.ACCOUNT.value]
        heartbeat = [IncidentKind.HEARTBEAT.value]
        wanted: tuple[tuple[str, Channel, dict[str, object]], ...] = (
            ("AI API failures", pager, {"kinds": urgent, "tags": AI_TAGS}),
            ("Urgent heartbeats", pager, {"kinds": heartbeat, "priorities": [Priority.HIGH.value]}),
            ("Heartbeats", chat, {"kinds": heartbeat}),
            ("Most regions lost", pager, {"kinds": REGIONAL[:1], "severities": [Severity.CRITICAL.value]}),
            ("One region, or too few", chat, {"kinds": REGIONAL}),
            ("Everything else", chat, {"default": True}),
        )
        for place, (name, channel, asks) in enumerate(wanted, start=1):
            _route(team, name, {"position": place * 10, "channels": [channel], **asks}, arranged)
    return arranged


def _channel(team: Team, kind: str, name: str, secret: tuple[str, str], arranged: Arranged) -> Channel:
    found = Channel.objects.filter(team=team, kind=kind, name=name).first()
    _note(arranged, f"channel {name}", found)
    channel = found or Channel(team=team, kind=kind)
    kept = dict(channel.secrets) if found else {}
    field, value = secret
    try:
        return save_channel(channel, {"name": name, "kind": kind, "secrets": Secrets({**kept, field: value})})
    except ValidationError as refused:
        asked = "routing_key" if kind == "pagerduty" else "slack_url"
        raise ValidationError(
            {asked: [problem for problems in refused.message_dict.values() for problem in problems]}
        ) from None


def _route(team: Team, name: str, wanted: dict[str, object], arranged: Arranged) -> None:
    found = Route.objects.filter(team=team, name=name).order_by("id").first()
    _note(arranged, f"route {name}", found)
    save_route(found or Route(team=team), {"name": name, "enabled": True, **wanted})


def _note(arranged: Arranged, what: str, found: object) -> None:
    (arranged.changed if found else arranged.created).append(what)
