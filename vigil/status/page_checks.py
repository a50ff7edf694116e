"""Checks of a status page before it is stored: its readers, its password and its domain."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import models

from vigil.problems.rows import duplicate
from vigil.status.addresses import own_hosts
from vigil.status.components import Problems
from vigil.status.core.access import PageVisibility, checked_networks
from vigil.status.core.domains import checked_domain, is_answered_by_pattern
from vigil.status.core.look.colours import checked_colour
from vigil.status.models import StatusPage, all_kinds

PASSWORD_LEAST, PASSWORD_MOST = 8, 200


def check_place(page: StatusPage, problems: Problems) -> None:
    """Bring its networks and its domain into the form in which they are compared, or add what is wrong."""
    try:
        page.networks = checked_networks(page.networks)
        if page.visibility == PageVisibility.ADDRESSES and not page.networks:
            problems["networks"] = ["Name the networks that may read it, such as 10.0.0.0/8."]
    except ValueError as wrong:
        problems["networks"] = [str(wrong)]
    try:
        page.domain = checked_domain(page.domain, own_hosts())
    except ValueError as wrong:
        problems["domain"] = [str(wrong)]
    stored = StatusPage.objects.filter(pk=page.pk, domain=page.domain)
    if page.domain and is_answered_by_pattern(page.domain, own_hosts()) and not stored.exists():
        problems["domain"] = ["VIGIL_ALLOWED_HOSTS gives this name to Vigil itself. Name the hosts there one by one."]
    if page.domain and StatusPage.objects.filter(~models.Q(pk=page.pk), domain=page.domain).exists():
        problems["domain"] = [duplicate("Another status page has this domain.")]


def check_kinds(page: StatusPage, problems: Problems) -> None:
    """Bring the kinds of its subscribers into their order, or add what is wrong."""
    given, known = page.subscriber_kinds, all_kinds()
    if not isinstance(given, list) or any(one not in known for one in given):
        problems["subscriber_kinds"] = [f"A list of any of {', '.join(known)}."]
    else:
        page.subscriber_kinds = [one for one in known if one in given]


def check_accent(page: StatusPage, problems: Problems) -> None:
    """Bring its colour into the form in which it is kept, or add what is wrong."""
    try:
        page.accent = checked_colour(page.accent)
    except ValueError as wrong:
        problems["accent"] = [str(wrong)]


def set_password(page: StatusPage, password: str, problems: Problems) -> None:
    """Give the page its password, or add what is wrong."""
    if page.visibility != PageVisibility.PASSWORD:
        page.access = ""
        if password:
            problems["password"] = ["Only a page behind a password has one: set visibility to password."]
    elif password:
        if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
            problems["password"] = [f"From {PASSWORD_LEAST} to {PASSWORD_MOST} characters."]
        else:
            page.access = make_password(password)
    elif not page.access:
        problems["password"] = ["A page behind a password needs one."]
