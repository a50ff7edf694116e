"""The form of a channel: typed fields of its kind, new or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from vigil.accounts.sealed import Secrets
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS, webhook
from vigil.alerts.models import Channel
from vigil.web.forms.channel_form import channel_fields, read_channel
from vigil.web.forms.channel_problems import channel_problems
from vigil.web.forms.free_names import free_name
from vigil.web.pages.settings.channels import shown_channel
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField, problems

#: Kinds that stand first; the others are behind More.
FIRST = ("email", "slack", "pagerduty", "webhook")
Errors = Mapping[str, list[str]]
_SWITCHES = ("fallback", "gather", "notices")
_NAME_MOST = 100
_GATHER = "Off: one message for each incident."
_NOTICES = "Retirements ahead, changed model lists. Channels that page people get none."


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_variables()
def new(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """A new channel of the kind in the address; a signing secret that Vigil makes is shown once."""
    reader.require_writer()
    kind = request.GET.get("kind", "")
    kind = kind if kind in CHANNELS else FIRST[0]
    name = free_name(CHANNELS[kind].name, Channel.objects.filter(team=reader.team))
    draft = Channel(team=reader.team, kind=kind, name=name)
    if request.method != "POST":
        return _form(request, reader, draft)
    try:
        given, saved = _save(request, draft)
    except ValidationError as refused:
        return _form(request, reader, draft, channel_problems(kind, refused))
    if kind == webhook.KIND.name and not given.get("secret"):
        return shown_channel(request, reader, saved, {"made_secret": saved.secrets["secret"]})
    return redirect("settings-channel", saved.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_variables()
def edit(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Change a channel. Its secrets are only replaced, never shown."""
    reader.require_writer()
    found = get_object_or_404(Channel, team=reader.team, public_id=public_id)
    if request.method != "POST":
        return _form(request, reader, found)
    try:
        _save(request, found)
    except ValidationError as refused:
        return _form(request, reader, found, channel_problems(found.kind, refused))
    except Channel.DoesNotExist:
        raise Http404 from None
    return redirect("settings-channel", public_id)


def _save(request: HttpRequest, channel: Channel) -> tuple[Mapping[str, str], Channel]:
    """The secrets that were stored for it, and the channel; raises `ValidationError`."""
    sent = read_channel(channel.kind, request.POST.dict(), channel.config, channel.secrets or {})
    minutes = request.POST.get("self_test_minutes", "").strip() or "0"
    errors = dict(sent.errors)
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 6):
        errors["self_test_minutes"] = ["A whole number of minutes, 0 for never."]
    if errors:
        raise ValidationError(errors)
    wanted: dict[str, Any] = {
        "name": request.POST.get("name", "").strip()[: _NAME_MOST + 1],
        "kind": channel.kind,
        "config": sent.config,
        "self_test_minutes": int(minutes),
        **{name: request.POST.get(name) == "on" for name in _SWITCHES},
    }
    if channel.pk is None or dict(sent.secrets) != dict(channel.secrets or {}):
        wanted["secrets"] = Secrets(sent.secrets)
    return sent.secrets, save_channel(channel, wanted)


def _form(request: HttpRequest, reader: PageReader, channel: Channel, errors: Errors | None = None) -> HttpResponse:
    found = errors or {}
    sent = request.POST.dict() if errors else None
    stored = frozenset(channel.secrets or {})
    new_address = reverse("settings-channel-new")
    shown = {
        "channel": channel,
        "kind_name": CHANNELS[channel.kind].name,
        "words": CHANNELS[channel.kind].words,
        "kinds": [(key, CHANNELS[key].name, f"{new_address}?kind={key}") for key in FIRST],
        "other_kinds": [
            (key, one.name, f"{new_address}?kind={key}") for key, one in CHANNELS.items() if key not in FIRST
        ],
        "is_other": channel.kind not in FIRST,
        "name_field": _name_field(channel, sent, found),
        "fields": channel_fields(channel.kind, channel.config, stored, sent, found),
        "options": _options(channel, sent, found),
        "problems": problems(found),
    }
    return render_section(request, reader, "channels", "channel_form.html", shown)


def _options(channel: Channel, sent: Mapping[str, str] | None, errors: Errors) -> list[FormField]:
    def value(name: str) -> str:
        if sent is not None:
            return sent.get(name, "")[:10]
        stored = getattr(channel, name)
        return ("on" if stored else "") if isinstance(stored, bool) else str(stored)

    fallback = "Used when no other channel accepted an alert within two minutes."
    tests = errors.get("self_test_minutes", ())
    return [
        FormField("fallback", "Only a fallback", value("fallback"), "checkbox", hint=fallback),
        FormField("gather", "Group a storm into one message", value("gather"), "checkbox", hint=_GATHER),
        FormField("notices", "Also send notices", value("notices"), "checkbox", hint=_NOTICES),
        FormField(
            "self_test_minutes",
            "Self-test every",
            value("self_test_minutes"),
            "number",
            "0 for never.",
            tests,
            unit="min",
        ),
    ]


def _name_field(channel: Channel, sent: Mapping[str, str] | None, errors: Errors) -> FormField:
    name = channel.name if sent is None else sent.get("name", "")[: _NAME_MOST + 1]
    return FormField("name", "Name", name, errors=errors.get("name", ()), required=True)
