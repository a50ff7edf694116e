"""Staff learn what a page cost; others do not."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from vigil.accounts.models import User

pytestmark = pytest.mark.django_db


def test_staff_see_queries_and_time_and_others_do_not(client: Client) -> None:
    client.force_login(User.objects.create_user("ann", password="a long password", is_staff=True))
    told = client.get("/admin/")["Server-Timing"]
    match = re.fullmatch(r'db;desc="(\d+) queries";dur=[\d.]+, total;dur=[\d.]+', told)
    assert match is not None and int(match[1]) >= 2
    client.force_login(User.objects.create_user("bo", password="a long password"))
    assert "Server-Timing" not in client.get("/healthz")
    assert "Server-Timing" not in Client().get("/admin/login/")
