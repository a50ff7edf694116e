"""Addresses of status pages, and the names under which this installation itself is reached."""

from __future__ import annotations

from urllib.parse import urlsplit

from vigil.configuration import configuration
from vigil.status.core.domains import PREFIX
from vigil.status.models import StatusPage


def address_of(page: StatusPage) -> str:
    """Where readers find a page, without a slash at the end: on its own domain, else on the address of Vigil."""
    return origin_of(page) if page.domain else f"{origin_of(page)}{PREFIX}{page.slug}"


def origin_of(page: StatusPage) -> str:
    """What the addresses of a page begin with."""
    settings = configuration()
    scheme = "https" if settings.is_https else "http"
    return f"{scheme}://{page.domain}" if page.domain else settings.base_url


def own_hosts() -> frozenset[str]:
    """Names of this installation, and patterns such as `.example.com`: no page may have one."""
    settings = configuration()
    found = (urlsplit(address).hostname or "" for address in (settings.base_url, settings.pings_at))
    return frozenset({one.lower() for one in (*settings.hosts, *found)} - {""})
