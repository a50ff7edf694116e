"""Own domains of status pages: their names, and the paths that exist there. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

import idna

#: Where readers' pages are on the installation's own address.
PREFIX = "/status/"
#: Where subscribers change what they are told, by the links of their letters.
SUBSCRIPTIONS = "/subscriptions/"
DOMAIN_MOST = 253
#: What a page needs beside its own files: bundles, whose names hold a digest, and the icon.
BUNDLES, ICON = "/assets/", "/static/web/favicon.svg"
_OF_SUBSCRIBER = re.compile(rf"\A{SUBSCRIPTIONS}(?:confirm/)?[A-Za-z0-9_~:-]{{1,200}}(?:/unsubscribe)?\Z")
#: Its style sheet and pictures, which it names by one path wherever it is read.
_LOOK = re.compile(r"(?:look\.css|(?:logo|favicon)\.(?:png|jpg|webp))")
_HOST = re.compile(r"\A([a-z0-9.-]{1,253})(?::\d{1,5})?\Z")


def checked_domain(text: str, taken: Collection[str]) -> str:
    """A domain as it is kept, in ASCII (IDNA 2008); raises ValueError in words. `taken`: the installation's hosts."""
    given = text.strip().rstrip(".").lower()
    if not given:
        return ""
    try:
        name = idna.encode(given, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("Give the name alone, such as status.example.com.") from None
    labels = name.split(".")
    if len(name) > DOMAIN_MOST or len(labels) < 2 or labels[-1].isdigit():
        raise ValueError("Give a whole name, such as status.example.com.")
    if name in taken:
        raise ValueError("This is the address of Vigil itself. Give the page a name of its own.")
    return name


def is_answered_by_pattern(name: str, hosts: Collection[str]) -> bool:
    """Whether a pattern such as `.example.com` names it. `*` names none: it says nothing of whose a name is."""
    return any(one.startswith(".") and (name == one[1:] or name.endswith(one)) for one in hosts)


def host_of(header: str) -> str:
    """The name in a Host header without its port; empty for what is no name."""
    found = _HOST.match(header.strip().lower())
    return found[1].rstrip(".") if found else ""


def is_of_subscriber(path: str) -> bool:
    """Whether a path is that of a link in a letter. What acts is its token, whatever name it was sent under."""
    return bool(_OF_SUBSCRIBER.match(path))


def path_on_domain(slug: str, path: str) -> str:
    """The installation's path of a path on a page's own domain: a file of that page, or what the page needs.

    Links of subscribers pass too: their views look whose page it is. Every other path becomes one of a file that the
    page does not have.
    """
    is_bundle = path.startswith(BUNDLES) and "/" not in path.removeprefix(BUNDLES)
    own = f"{PREFIX}{slug}/"
    is_look = path.startswith(own) and _LOOK.fullmatch(path.removeprefix(own))
    if path == ICON or is_bundle or is_look or is_of_subscriber(path):
        return path
    return f"{PREFIX}{slug}{'' if path == '/' else path}"


def home_of(slug: str, domain: str) -> str:
    """The path of a page where it is read."""
    return "/" if domain else f"{PREFIX}{slug}"
