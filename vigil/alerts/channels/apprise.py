"""Apprise channel: other cloud services, on a separate thread pool (bulkhead).

apprise opens its own connections, past the guard of all other channels. So only schemes with a fixed host are allowed:
none that takes a host, a file or a local socket from its address.
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

THREADS = 8
BODY_LIMIT = 4_000
TITLE_LIMIT = 250

#: Schemes whose host is fixed by the plug-in; a test compares this with apprise's own list.
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
#: Options of an apprise address that weaken TLS, or read a file of this machine.
_REFUSED_OPTIONS = frozenset(
    {"verify", "redirect", "keyfile", "file", "attach", "cto", "rto", "overflow", "store", "tz"}
)
_CODE = re.compile(r"error\s*=\s*(\d{3})")
_TYPES = {Tone.CRITICAL: "failure", Tone.WARNING: "warning", Tone.INFO: "info", Tone.GOOD: "success"}


class AppriseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings: the apprise address of a service holds everything, secrets included."""


class AppriseNotice(msgspec.Struct, frozen=True):
    """Title and text of a notification."""

    title: str
    body: str
    type: str


def render(message: Message, config: AppriseConfig) -> AppriseNotice:
    links = "\n".join(f"{link.text}: {link.url}" for link in message.links)
    room = BODY_LIMIT - len(links) - 1
    lines = fit_lines(message.lines, room)
    names = fit_names([_inert(name) for name in message.names], room - len(lines.encode()) - 1) if message.names else []
    body = "\n".join(part for part in (_inert(lines), *names, links) if part)
    return AppriseNotice(_inert(cut(one_line(message.headline), TITLE_LIMIT)), body, _TYPES[message.tone])


async def send(client: Outbound, config: AppriseConfig, secrets: Mapping[str, str], payload: AppriseNotice) -> Accepted:
    return await asyncio.get_running_loop().run_in_executor(_threads(), _notify, secrets["url"], payload)


@lru_cache(maxsize=1)
def library() -> Any:
    """Import apprise on first use: it costs 24 MB of memory."""
    with warnings.catch_warnings():
        # Some of its plug-ins import deprecated modules of the standard library.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        apprise.Apprise().details()
    return apprise


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")


def _notify(url: str, notice: AppriseNotice) -> Accepted:
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
    """Log handler for apprise on this thread: only its log holds the status code. Other text may quote the message."""

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
    refused = sorted(_options(url) & _REFUSED_OPTIONS)
    if refused:
        raise ChannelSettingsError("secrets", f"The option {refused[0]!r} is not allowed.")
    if any(ord(char) < 32 for char in url) or len(url) > 2000:
        raise ChannelSettingsError("secrets", "An address is one line of at most 2,000 characters.")
    _service(url)


def _options(url: str) -> set[str]:
    """The names of an address's options as apprise itself reads them: split at & and ;, unquoted, signs taken off."""
    from apprise.utils.parse import parse_qsd

    read = parse_qsd(url.partition("?")[2])
    return {str(name).strip("+-: ").lower() for options in read.values() for name in options}


def _inert(text: str) -> str:
    # Services parse mentions differently; an @ without a following word mentions no one in any of them.
    return text.replace("@", "@\u200b").replace("<!", "<\u200b!")


KIND: Kind[AppriseConfig, AppriseNotice] = Kind(
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
