"""Login links (one-time), and the first administrator."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from vigil.accounts.models import LoginLink, Membership, Role, User
from vigil.accounts.teams import default_team
from vigil.configuration import configuration

FIRST_ADMIN = "admin"
LINK_LIFE = timedelta(minutes=15)
#: Life of the link that `up` prints.
LONG_LINK_LIFE = timedelta(hours=1)
_FIRST_ADMIN_LOCK = 0x7667_6C01


def ensure_first_admin() -> User:
    """The first administrator, created without a password if there is no active superuser. Safe under concurrency."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_ADMIN_LOCK])
        admin = User.objects.filter(is_superuser=True, is_active=True).order_by("id").first()
        if admin is None:
            admin = User(username=FIRST_ADMIN, is_staff=True, is_superuser=True)
            admin.set_unusable_password()
            admin.save()
        Membership.objects.get_or_create(user=admin, team=default_team(), defaults={"role": Role.OWNER})
        return admin


def create_login_link(user: User, life: timedelta = LINK_LIFE) -> str:
    """Address of a one-time link that signs `user` in until `life` is over."""
    plain = secrets.token_urlsafe(32)
    LoginLink.objects.create(user=user, sha256=_digest(plain), expires_at=Now() + life)
    return f"{configuration().base_url}/login/once/{plain}"


def is_usable(plain: str) -> bool:
    """Whether a link would sign in now; looking does not use it up."""
    return LoginLink.objects.filter(
        sha256=_digest(plain), user__is_active=True, used_at=None, expires_at__gt=Now()
    ).exists()


def consume_login_link(plain: str) -> User | None:
    """Use a link; returns its user, or None if it is unknown, used or expired."""
    link = LoginLink.objects.select_related("user").filter(sha256=_digest(plain), user__is_active=True).first()
    if link is None:
        return None
    used = LoginLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=Now()).update(used_at=Now())
    return link.user if used == 1 else None


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
