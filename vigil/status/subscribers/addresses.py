"""Addresses of subscribers: what each kind takes, in one spelling, and their keyed fingerprints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

from vigil.alerts.channels.email import address_of
from vigil.alerts.channels.kind import ChannelSettingsError, check_url
from vigil.status.core.languages.english import ENGLISH
from vigil.status.core.subscriber_terms import AddressProblem, SubscriberKind

#: Slack's incoming webhooks. No other host is a workspace, whatever its path.
_SLACK = re.compile(r"https://hooks\.slack(?:-gov)?\.com/services(?:/[A-Za-z0-9_-]{1,100}){1,5}")
#: Last labels of names that are of one network (RFC 6761, 6762, and `.internal` of ICANN).
_OF_NETWORKS = frozenset({"localhost", "local", "internal"})
ADDRESS_MOST = 500
_SALT = "vigil.subscriber-address"


def address_in_one_spelling(kind: SubscriberKind, given: str) -> str:
    """The address as it is stored; raises `ValidationError` for what is none of its kind, with the problem as code."""
    if len(given) > ADDRESS_MOST:
        raise _refused(AddressProblem.TOO_LONG)
    return _READ[kind](given.strip())


def fingerprint_of(kind: SubscriberKind, address: str) -> str:
    """Digest under VIGIL_SECRET_KEY, by which one address is one subscriber. Of mail, without regard to case."""
    return _print(f"{kind} {address.lower() if kind is SubscriberKind.EMAIL else address}")


def limit_fingerprint_of(kind: SubscriberKind, address: str) -> str:
    """Digest of what the limits count: of mail the mailbox, without what stands behind a plus, and without dots."""
    if kind is not SubscriberKind.EMAIL:
        return _print(f"limit {kind} {address}")
    local, _, domain = address.lower().rpartition("@")
    return _print(f"limit {kind} {local.partition('+')[0].replace('.', '')}@{domain}")


def host_fingerprint_of(kind: SubscriberKind, address: str) -> str:
    """Digest of the host of a webhook; empty for other kinds, whose hosts are those of many."""
    return _print(f"host {urlsplit(address).hostname}") if kind is SubscriberKind.WEBHOOK else ""


def _print(text: str) -> str:
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()


def _refused(problem: AddressProblem) -> ValidationError:
    return ValidationError(ENGLISH.subscribing.problems[problem], code=problem)


def _email(given: str) -> str:
    try:
        address = str(address_of(given).addr_spec)
        if address.isascii() and _is_public(address.rpartition("@")[2]):
            return address
        raise ValueError("its mailbox is not in ASCII, or its domain is of this network")
    except ValueError:
        raise _refused(AddressProblem.NO_EMAIL) from None


def _webhook(given: str) -> str:
    # A secret goes to it, by which the receiver verifies what comes.
    try:
        check_url("address", given, frozenset({"https"}))
        known = _is_public(urlsplit(given).hostname or "")
    except (ChannelSettingsError, ValueError):
        known = False
    if not known:
        raise _refused(AddressProblem.NO_WEBHOOK)
    return given


def _is_public(host: str) -> bool:
    """Whether a name or an address may be of the public Internet. What it leads to is looked at when it is dialled."""
    try:
        return ip_address(host).is_global
    except ValueError:
        last = host.lower().rstrip(".").rpartition(".")
        return bool(last[0]) and last[2] not in _OF_NETWORKS and not last[2].isdigit()


def _slack(given: str) -> str:
    # Read out of the pattern, so that nothing else of what was given is kept.
    found = _SLACK.fullmatch(given)
    if found is None:
        raise _refused(AddressProblem.NO_SLACK)
    return found[0]


_READ: Mapping[SubscriberKind, Callable[[str], str]] = {
    SubscriberKind.EMAIL: _email,
    SubscriberKind.WEBHOOK: _webhook,
    SubscriberKind.SLACK: _slack,
}
