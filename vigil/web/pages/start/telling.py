"""Third step of the guided start: who should know, and a real test that proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from vigil.accounts.models import Team
from vigil.accounts.sealed import Secrets
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS
from vigil.alerts.models import Channel
from vigil.alerts.routing.first_route import tell
from vigil.alerts.test_message import send_trial
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.models import DerivedKind, Monitor
from vigil.web.forms.channel_form import ChannelFields, channel_fields, read_channel
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.free_names import free_name
from vigil.web.forms.settings_form import texts_of
from vigil.web.pages.shell import PageReader, render_page
from vigil.web.pages.start.code_beside import channel_as_code
from vigil.web.pages.start.draft import ProvenChannel, StartDraft, drop_draft, keep_draft, load_draft
from vigil.web.parts.fields import problems

#: Kinds that stand first; the others are behind More.
FIRST = ("email", "slack", "pagerduty", "webhook")
ANSWER_MOST, CHANNELS_SHOWN = 200, 50
Errors = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The kind of the address, and the channel of this start if it is of that kind."""

    kind: str
    channel: Channel | None


def step(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The form of a kind; a sent one saves the channel and sends a test, or ends the start."""
    draft = load_draft(request.session)
    chosen = _chosen(request, reader.team, draft)
    errors: Errors = {}
    if request.method == "POST":
        do = request.POST.get("do", "")
        if do == "finish":
            return _finish(request, reader.team, draft)
        kind = chosen.kind
        try:
            channel = _present(reader.team, request.POST.get("use", "")) if do == "use" else None
            channel = channel or _save(request, reader.team, chosen)
            draft.channel, draft.told, kind = channel.public_id, _told(channel), channel.kind
        except ValidationError as refused:
            errors = errors_by_field(refused)
        keep_draft(request.session, draft)
        if not errors:
            return redirect(address(kind))
    return _shown(request, reader, draft, chosen, errors)


def address(kind: str) -> str:
    """Address of this step for a kind of channel."""
    return f"{reverse('start')}?{urlencode({'step': 3, 'channel': kind})}"


def _chosen(request: HttpRequest, team: Team, draft: StartDraft) -> _Chosen:
    mine = _present(team, draft.channel) if draft.channel else None
    kind = request.GET.get("channel", "") or (mine.kind if mine else FIRST[0])
    kind = kind if kind in CHANNELS else FIRST[0]
    return _Chosen(kind, mine if mine is not None and mine.kind == kind else None)


def _present(team: Team, public_id: str) -> Channel | None:
    return Channel.objects.filter(team=team, public_id=public_id[:40]).first()


def _save(request: HttpRequest, team: Team, chosen: _Chosen) -> Channel:
    """The channel of the form; raises `ValidationError` by the names of its fields."""
    present = chosen.channel
    config = dict(present.config) if present else {}
    sent = read_channel(chosen.kind, texts_of(request.POST), config, present.secrets if present else {})
    if sent.errors:
        raise ValidationError(sent.errors)
    name = present.name if present else free_name(CHANNELS[chosen.kind].name, Channel.objects.filter(team=team))
    wanted = {"name": name, "kind": chosen.kind, "config": sent.config, "secrets": Secrets(sent.secrets)}
    try:
        return save_channel(present or Channel(team=team), wanted)
    except ValidationError as refused:
        raise ValidationError(_by_form(chosen.kind, errors_by_field(refused))) from None


def _by_form(kind: str, errors: Errors) -> Errors:
    """What is wrong with the settings as a whole belongs to the form, unless it names a field of it."""
    fields = channel_fields(kind, {}, frozenset())
    known = {one.name for one in (*fields.first, *fields.more)}
    single = fields.first[0].name if len(fields.first) == 1 else ""
    found: Errors = {}
    for name, texts in errors.items():
        place = next((one for one in (f"config.{name}", f"secret.{name}", name) if one in known), single or "__all__")
        found.setdefault(place, []).extend(texts)
    return found


def _told(channel: Channel) -> ProvenChannel:
    answered = send_trial(channel, timezone.now())
    return ProvenChannel(channel.public_id, answered.accepted, answered.answer[:ANSWER_MOST], answered.took_ms)


def _finish(request: HttpRequest, team: Team, draft: StartDraft) -> HttpResponse:
    """Route it to the channel that was tested, and show what is watched."""
    monitor = Monitor.objects.filter(team=team, public_id=draft.monitor, deleted_at=None).first()
    channel = _present(team, draft.channel) if draft.channel else None
    if channel is not None:
        tell(team, channel, monitor)
    drop_draft(request.session)
    if monitor is None:
        return redirect("home")
    return redirect("heartbeat" if monitor.kind == DerivedKind.HEARTBEAT else "monitor", monitor.public_id)


def _shown(
    request: HttpRequest, reader: PageReader, draft: StartDraft, chosen: _Chosen, errors: Errors
) -> HttpResponse:
    mine = chosen.channel
    sent = texts_of(request.POST) if errors else None
    stored = frozenset(mine.secrets) if mine else frozenset()
    fields: ChannelFields = channel_fields(chosen.kind, mine.config if mine else {}, stored, sent, errors)
    told = draft.told if mine is not None and draft.told and draft.told.channel == mine.public_id else None
    monitor = Monitor.objects.filter(team=reader.team, public_id=draft.monitor, deleted_at=None).first()
    shown = {
        "step": 3,
        "kind": chosen.kind,
        "kind_name": CHANNELS[chosen.kind].name,
        "words": CHANNELS[chosen.kind].words,
        "kinds": [(kind, CHANNELS[kind].name, address(kind)) for kind in FIRST],
        "other_kinds": [(kind, one.name, address(kind)) for kind, one in CHANNELS.items() if kind not in FIRST],
        "fields": fields,
        "problems": problems(errors),
        "told": told,
        "told_ms": told.took_ms if told else None,
        "mine": mine,
        "code": channel_as_code(chosen.kind, mine.config if mine else {}),
        "others": Channel.objects.filter(team=reader.team)
        .exclude(kind="loopback")
        .exclude(public_id=mine.public_id if mine else "")[:CHANNELS_SHOWN],
        "monitor": monitor,
        "watched": _watched(monitor),
        "draft": draft,
    }
    return render_page(request, reader, "overview", "start/telling.html", shown)


def _watched(monitor: Monitor | None) -> dict[str, Any]:
    """How it is watched, in words."""
    if monitor is None:
        return {}
    if monitor.kind == DerivedKind.HEARTBEAT:
        job = Heartbeat.objects.get(monitor=monitor)
        return {"text": f"It should call every {job.period_s // 60} min, and may be late by {job.grace_s // 60} min."}
    regions = monitor.regions.count()
    return {"text": f"It is watched every {monitor.interval_s} s from {regions} region{'' if regions == 1 else 's'}."}
