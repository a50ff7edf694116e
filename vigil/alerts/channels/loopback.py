"""Loopback channel: accepts everything and sends nothing, so self-tests prove the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vigil.alerts.channels.kind import Accepted, Kind, Outbound
from vigil.alerts.wording.message import Message


class LoopbackConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


class Words(msgspec.Struct, frozen=True):
    """The text that a receiver would get."""

    text: str


def render(message: Message, config: LoopbackConfig) -> Words:
    links = (link.url for link in message.links)
    return Words("\n".join((message.headline, *message.lines, *message.names, *links)))


async def send(client: Outbound, config: LoopbackConfig, secrets: Mapping[str, str], payload: Words) -> Accepted:
    return Accepted("looped back")


def _check(config: LoopbackConfig, secrets: Mapping[str, str]) -> None:
    """Accept any settings."""


KIND: Kind[LoopbackConfig, Words] = Kind(
    name="loopback",
    words="Sends nothing. Vigil creates one for its self-test; no route uses it.",
    config=LoopbackConfig,
    secrets={},
    check=_check,
    render=render,
    send=send,
)
