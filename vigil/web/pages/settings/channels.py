"""Channels: the list, the page of one with a real test, its form, and its deletion with what it would change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS
from vigil.alerts.models import Channel
from vigil.alerts.oncall.ack_links import callback_address
from vigil.alerts.test_message import send_trial
from vigil.read_models.channels import ChannelRow, ChannelState, read_channels, routes_left_alone
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.users import users_of
from vigil.web.pages.settings.sections import never_stored, render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.marks import StateMark, mark

CHANNELS_MOST, ANSWER_MOST = 500, 200
_MARKS = {
    ChannelState.WORKS: (ShownState.UP, "Works"),
    ChannelState.FAILING: (ShownState.DEGRADED, "Refused"),
    ChannelState.UNUSED: (ShownState.NEW, "Not used"),
    ChannelState.OFF: (ShownState.PAUSED, "Off"),
    ChannelState.REFUSED: (ShownState.DOWN, "Off"),
}


@require_safe
@page
def channels(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Channels of the team, those in trouble first."""
    rows = read_channels(Channel.objects.filter(team=reader.team)[:CHANNELS_MOST])
    troubled = sum(row.state in (ChannelState.REFUSED, ChannelState.FAILING) for row in rows)
    shown = {
        "channels": [(row, mark_of(row)) for row in rows],
        "troubled": troubled,
        "fallback": any(row.channel.fallback and row.channel.enabled for row in rows),
    }
    return render_section(request, reader, "channels", "channels.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_variables()
def channel(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """One channel; `do` of a sent form tests it, switches it on or off, or deletes it."""
    found = get_object_or_404(Channel, team=reader.team, public_id=public_id)
    if request.method != "POST":
        return shown_channel(request, reader, found)
    reader.require_writer()
    match request.POST.get("do", ""):
        case "test":
            asked_at = timezone.now()
            told = send_trial(found, asked_at)
            answer = {"told": told, "told_answer": told.answer[:ANSWER_MOST], "asked_at": asked_at}
            return shown_channel(request, reader, found, answer)
        case "on" | "off" as wish:
            return _switch(request, reader, found, wish == "on")
        case "delete":
            delete(found)
            return redirect("settings-channels")
    raise Http404


def delete(found: Channel) -> None:
    """Delete a channel, with its deliveries; routes and policies lose it."""
    with transaction.atomic():
        locked = Channel.objects.select_for_update().filter(pk=found.pk).first()
        if locked is not None:
            locked.delete()


def shown_channel(
    request: HttpRequest, reader: PageReader, found: Channel, more: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The page of a channel; `more` is what the request has added to it."""
    rows = read_channels(Channel.objects.filter(pk=found.pk))
    if not rows:
        raise Http404
    row = rows[0]
    shown = {
        "row": row,
        "mark": mark_of(row, pill=True),
        "kind": CHANNELS[row.channel.kind],
        "users": users_of(row.channel),
        "alone": routes_left_alone(reader.team, row.channel),
        "kept": row.channel.deliveries.count(),
        "callback": callback_address(row.channel) if reader.may_write else "",
        **(more or {}),
    }
    answer = render_section(request, reader, "channels", "channel.html", shown)
    return never_stored(answer) if shown.get("made_secret") else answer


def mark_of(row: ChannelRow, pill: bool = False) -> StateMark:
    """The mark of a channel, in the words of its state."""
    state, word = _MARKS[row.state]
    return mark(state, word, pill=pill)


def _switch(request: HttpRequest, reader: PageReader, found: Channel, on: bool) -> HttpResponse:
    try:
        save_channel(found, {"enabled": on})
    except ValidationError as refused:
        return shown_channel(request, reader, found, {"refusal": " ".join(refused.messages)})
    except Channel.DoesNotExist:
        raise Http404 from None
    return redirect("settings-channel", found.public_id)
