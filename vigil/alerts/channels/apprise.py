"""Every other service, through apprise: cloud services only, on threads of its own, its hangs nobody else's.

apprise dials itself, past the guard that every other channel's requests go through. So only schemes are let in whose
host is the plug-in's own: none that takes a host, a file or a local socket from its address.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import msgspec

from vigil.alerts.channels.kind import Accepted, ChannelError, ChannelSettingsError, Kind, Outbound, Secret
from vigil.alerts.core.pacing import Pace
from vigil.alerts.core.retry import AnswerClass, class_of
from vigil.alerts.wording.fitting import cut, fit_lines, fit_names, one_line
from vigil.alerts.wording.message import Message, Tone

#: Messages under way at once through apprise.
THREADS = 8
BODY_LIMIT = 4_000
TITLE_LIMIT = 250

#: Schemes whose host is fixed by the plug-in; a test holds this against what apprise says of each.
_LISTED = """
    46elks atalk azure brevo bulksms bulkvs burstsms chanify clickatell clicksend cliq cm d7sms dingtalk elks
    exotel feishu firehydrant flock freemobile groupme guilded httpsms ifttt ilert incidentio join kavenegar
    kudosity lark line mailersend msg91 msgbird nexmo notifiarr notifyre o365 octopush onesignal pagertree
    pbul plivo postmark pover prowl psafer psafers push pushed pushme pushplus pushy resend revolt ringc ryver
    schan sendgrid seven signl4 simplepush sinch smsmanager spike splunk spush squadcast stackfield telnyx
    threema twist viber victorops vonage webex wecombot whatsapp wxpusher wxteams zcliq zohocliq zoom
"""
SCHEMES = frozenset(_LISTED.split())
_SCHEME = re.compile(r"([a-z0-9]{2,20})://")
#: Options of an apprise address that would weaken it, or make it read a file of this machine.
_REFUSED_OPTIONS = ("verify", "redirect", "keyfile", "file", "attach", "cto", "rto", "overflow", "store", "tz")
_CODE = re.compile(r"error\s*=\s*(\d{3})")
_TYPES = {Tone.CRITICAL: "failure", Tone.WARNING: "warning", Tone.INFO: "info", Tone.GOOD: "success"}


class AppriseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: apprise's address of a service says it all, and holds its secrets."""


class Notice(msgspec.Struct, frozen=True):
    """What is said."""

    title: str
    body: str
    type: str


def render(message: Message, config: AppriseConfig) -> Notice:
    links = "\n".join(f"{link.text}: {link.url}" for link in message.links)
    room = BODY_LIMIT - len(links) - 1
    lines = fit_lines(message.lines, room)
    names = fit_names([_inert(name) for name in message.names], room - len(lines.encode()) - 1) if message.names else []
    body = "\n".join(part for part in (_inert(lines), *names, links) if part)
    return Notice(_inert(cut(one_line(message.headline), TITLE_LIMIT)), body, _TYPES[message.tone])


async def send(client: Outbound, config: AppriseConfig, secrets: Mapping[str, str], payload: Notice) -> Accepted:
    return await asyncio.get_running_loop().run_in_executor(_threads(), _notify, secrets["url"], payload)


@lru_cache(maxsize=1)
def library() -> Any:
    """apprise itself: 24 MB that an installation without such a channel does not need."""
    with warnings.catch_warnings():
        # Of modules of the standard library that some of its plug-ins still import.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        apprise.Apprise().details()
    return apprise


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")


def _notify(url: str, notice: Notice) -> Accepted:
    service = _service(url)
    everyone = library().Apprise(asset=service.asset)
    everyone.add(service)
    with _Said() as said:
        accepted = everyone.notify(
            title=notice.title, body=notice.body, notify_type=notice.type, body_format=library().NotifyFormat.TEXT
        )
    if accepted:
        return Accepted(f"accepted by {service.service_name}")
    code = said.code
    if code is None:
        raise ChannelError(f"{service.service_name} did not accept it, or could not be reached")
    raise ChannelError(f"{service.service_name} answered {code}", permanent=class_of(code) is AnswerClass.PERMANENT)


class _Said(logging.Handler):
    """What apprise logs on this thread while it sends: the only place where it says which code it got.

    Only the code is taken: its lines may quote what was sent.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.code: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        found = _CODE.search(record.getMessage())
        if found and record.thread == threading.get_ident():
            self.code = int(found.group(1))

    def __enter__(self) -> _Said:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def _service(url: str) -> Any:
    asset = library().AppriseAsset(app_id="Vigil", app_desc="Vigil", app_url="", async_mode=False)
    service = library().Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        raise ChannelSettingsError(
            "secrets", "apprise cannot read this address; its documentation shows the form for each."
        )
    return service


def _check(config: AppriseConfig, secrets: Mapping[str, str]) -> None:
    url = secrets["url"]
    found = _SCHEME.match(url)
    if found is None or found.group(1) not in SCHEMES:
        raise ChannelSettingsError("secrets", f"Must start with one of: {', '.join(sorted(SCHEMES))}; then ://.")
    options = url.partition("?")[2].lower()
    refused = [name for name in _REFUSED_OPTIONS if re.search(rf"(?:^|&)\+?{name}=", options)]
    if refused:
        raise ChannelSettingsError("secrets", f"The option {refused[0]!r} is not taken here.")
    if any(ord(char) < 32 for char in url) or len(url) > 2000:
        raise ChannelSettingsError("secrets", "An address is one line of at most 2,000 characters.")
    _service(url)


def _inert(text: str) -> str:
    # Services differ in what they read out of a text; without a following word an @ mentions nobody in any of them.
    return text.replace("@", "@\u200b").replace("<!", "<\u200b!")


KIND: Kind[AppriseConfig, Notice] = Kind(
    name="other service (apprise)",
    words=(
        "Over 80 more cloud services by their apprise address, such as pover://user@token for Pushover."
        " See github.com/caronc/apprise/wiki for the form of each."
    ),
    config=AppriseConfig,
    secrets={"url": Secret(True, "The apprise address of the service.")},
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=0.5, burst=3),
    names_most=1000,
)
