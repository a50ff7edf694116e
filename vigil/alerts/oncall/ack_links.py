"""Acknowledge links (signed, for one incident and channel, valid for a week), and callback addresses."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner, b62_decode

from vigil.alerts.models import Channel, Person
from vigil.alerts.oncall.callbacks import CALLBACKS
from vigil.alerts.oncall.responses import Actor
from vigil.configuration import configuration
from vigil.incidents.models import Incident

MAX_AGE_S = 7 * 24 * 3600
MAX_LENGTH = 200
#: Occurs neither in ids nor in base64, and mail programs do not end a link at it.
_SEPARATOR = "~"


class LinkError(Exception):
    """A forged or expired link; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link permits, and to whom it was sent."""

    incident: Incident
    actor: Actor


def acknowledge_link(incident: str, channel: str) -> str:
    """Link for a delivery, from the public ids of its incident and channel."""
    return f"{configuration().base_url}/respond/{_signer().sign(f'{incident}.{channel}')}"


def callback_address(channel: Channel) -> str:
    """Callback address for a channel's receiver; empty for kinds without callbacks."""
    return f"{configuration().base_url}/hooks/{channel.public_id}" if channel.kind in CALLBACKS else ""


def sign(incident: Incident, channel: Channel) -> str:
    return _signer().sign(f"{incident.public_id}.{channel.public_id}")


def read(token: str) -> Invitation:
    """Verify and decode a link; raises `LinkError`."""
    try:
        signed = _signer().unsign(token[:MAX_LENGTH], max_age=MAX_AGE_S)
        signed_s = b62_decode(token[:MAX_LENGTH].rsplit(_SEPARATOR, 2)[1])
    except SignatureExpired:
        raise LinkError("This link is more than a week old.") from None
    except BadSignature:
        raise LinkError("This link is incomplete or not valid.") from None
    named, _, sent_to = signed.partition(".")
    incident = Incident.objects.select_related("monitor").filter(public_id=named).first()
    channel = Channel.objects.filter(public_id=sent_to).first()
    if incident is None or channel is None:
        raise LinkError("The incident or the channel of this link no longer exists.")
    if channel.links_since is not None and signed_s <= int(channel.links_since.timestamp()):
        raise LinkError("The channel of this link has changed hands since. Use the link of a newer alert.")
    return Invitation(incident, _actor(channel))


def _actor(channel: Channel) -> Actor:
    """The channel's owner by a link to it, which others may hold; a shared channel has no single reader."""
    owners = list(Person.objects.filter(channels=channel).values_list("name", flat=True)[:2])
    if len(owners) == 1:
        return Actor(owners[0], f"link to {channel.name}"[:60])
    return Actor(f"a reader of {channel.name}", "link")


def _signer() -> TimestampSigner:
    return TimestampSigner(sep=_SEPARATOR, salt="vigil.respond")
