"""S20 and S16: the scheme follows the base URL, and a client behind trusted proxies is known and cannot be forged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team
from vigil.client_address import client_address, parse_networks
from vigil.configuration import configuration
from vigil.heartbeats.changes import create_heartbeat

NETWORKS = parse_networks("10.0.0.0/8, ::1, 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.5, 10.2.3.4", "203.0.113.5"),
        ("10.0.0.1", "10.9.9.9, 10.2.3.4", "10.9.9.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("::1", "2001:db8::7, fe80::1", "fe80::1"),
        ("10.0.0.1", ",".join(["10.0.0.2"] * 5000), "10.0.0.2"),
        ("", "203.0.113.5", ""),
    ],
)
def test_s16_the_client_is_the_last_hop_that_is_no_trusted_proxy(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, forwarded, NETWORKS) == client


def test_s16_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_address("10.0.0.1", "203.0.113.5", ()) == "10.0.0.1"


@pytest.fixture
def https(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VIGIL_BASE_URL", "https://testserver")
    configuration.cache_clear()
    yield
    monkeypatch.undo()
    configuration.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("https")
def test_s20_links_to_the_next_page_are_https_behind_a_proxy() -> None:
    for name in ("a", "b"):
        create_heartbeat(default_team(), {"name": name})
    following = Api(default_team())("GET", "monitors?limit=1")[1]["next"]
    assert following.startswith("https://testserver/api/v1/monitors?")


@pytest.mark.django_db
@pytest.mark.usefixtures("https")
def test_s20_answers_carry_hsts_where_the_base_url_is_https(client: Client) -> None:
    with_hsts = {"SECURE_HSTS_SECONDS": 30 * 24 * 3600}
    from django.test import override_settings

    with override_settings(**with_hsts):
        assert Client().get("/admin/login/")["Strict-Transport-Security"] == "max-age=2592000"


def test_s20_the_check_for_a_deployment_is_clean() -> None:
    env = {**os.environ, "VIGIL_BASE_URL": "https://vigil.example.com"}
    command = [sys.executable, "-W", "ignore", "-m", "django", "check", "--deploy", "--fail-level", "INFO"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    script = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == ["__Host-vigil_session", "__Host-vigil_csrf", "True", "True"], ended.stderr
