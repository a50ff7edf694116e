"""Callback endpoint of PagerDuty and Slack: `/hooks/<channel>`, authenticated by signature."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from vigil.accounts.sealed import SealedValueUnreadable
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.oncall.callbacks import CALLBACKS, MAX_BODY, Action, CallbackError, CallbackRequest, RequestedAction
from vigil.alerts.oncall.responses import Actor, ResponseKind, acknowledge, acted_since, note, snooze, take_back
from vigil.clock import database_now
from vigil.incidents.models import Incident
from vigil.strict_json import InputProblem

_log = structlog.get_logger(__name__)


@csrf_exempt
@never_cache
@require_POST
def callback(request: HttpRequest, channel: str) -> HttpResponse:
    """Do what a signed call requests. All rejected calls get the same response."""
    found = Channel.objects.filter(public_id=channel).first()
    how = CALLBACKS.get(found.kind) if found else None
    if len(request.body) > MAX_BODY:
        return HttpResponse(status=413)
    try:
        secret = found.secrets.get(how.secret, "") if found and how else ""
        if not (found and how and secret):
            raise CallbackError("no such channel, or it has no callback")
        headers = {name.lower(): value for name, value in request.headers.items()}
        wishes = how.read(CallbackRequest(headers, request.body, database_now()), secret)
    except (CallbackError, SealedValueUnreadable) as refused:
        _log.warning("callback.refused", channel=channel, problem=str(refused))
        return HttpResponse(status=401)
    except InputProblem as problem:
        return HttpResponse(f"{problem}\n", content_type="text/plain; charset=utf-8", status=400)
    for wish in wishes:
        answer = _do(found, wish)
        _log.info("callback.taken", channel=channel, action=wish.action, incident=wish.incident, answer=answer)
    return HttpResponse(status=200)


def _do(channel: Channel, wish: RequestedAction) -> ResponseKind:
    """Respond to an incident that this channel was notified of; ignore others."""
    told = Delivery.objects.filter(channel=channel).values("incident")
    incident = Incident.objects.filter(public_id=wish.incident, pk__in=told).first()
    if incident is None:
        return ResponseKind.REFUSED
    # PagerDuty has the change already; a Slack message must be updated.
    origin = channel.pk if channel.kind == "pagerduty" else None
    actor = Actor(wish.who, channel.get_kind_display(), origin)
    if acted_since(incident.pk, wish.at):
        return ResponseKind.ALREADY
    if wish.action is Action.ACKNOWLEDGE:
        return acknowledge(incident.pk, actor)
    if wish.action is Action.TAKE_BACK:
        return take_back(incident.pk, actor)
    if wish.action is Action.SNOOZE:
        return snooze(incident.pk, actor, database_now() + timedelta(minutes=wish.minutes))
    return note(incident.pk, actor, wish.text)
