"""A wrong setting is one clear line that does not repeat the value."""

from __future__ import annotations

import pytest

from vigil.configuration import ConfigurationError, configuration, parse_database_url


@pytest.fixture(autouse=True)
def _fresh() -> None:
    configuration.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("VIGIL_DATABASE_URL", "mysql://u:hush@h/d", "postgresql://"),
        ("VIGIL_DATABASE_URL", "postgresql://u:hush@h:port/d", "postgresql://"),
        ("VIGIL_REDIS_URL", "http://hush", "redis://"),
        ("VIGIL_REDIS_URL", "redis://:hush@redis:6379/0", "VIGIL_REDIS_PLAINTEXT=private-network"),
        ("VIGIL_PING_REDIS_URL", "redis://:hush@redis:6379/0", "rediss://"),
        ("VIGIL_USERS_REDIS_URL", "redis://:hush@redis:6379/0", "rediss://"),
        ("VIGIL_REGIONS_REDIS_URL", "redis://redis.example.com:6379/0", "rediss://"),
        ("VIGIL_REDIS_PLAINTEXT", "hush", "private-network"),
        ("VIGIL_SECRET_KEY", "hush", "32"),
        ("VIGIL_SEAL_KEYS", "hush", "Fernet"),
        ("VIGIL_BASE_URL", "hush", "https://"),
        ("VIGIL_EMAIL_URL", "pop3://u:hush@h", "smtp://"),
        ("VIGIL_ALERT_EGRESS", "hush", "private"),
        ("VIGIL_DEADMAN_URL", "hush", "https://"),
        ("VIGIL_HEARTBEAT_URL", "hush", "https://"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        configuration()
    line = str(refused.value)
    assert line.startswith(f"{name} ") and says in line
    assert "hush" not in line and "\n" not in line


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIGIL_DATABASE_URL")
    with pytest.raises(ConfigurationError, match="VIGIL_DATABASE_URL is not set"):
        configuration()


@pytest.mark.parametrize("name", ["VIGIL_DEADMAN_URL", "VIGIL_HEARTBEAT_URL"])
def test_the_dead_mans_switch_is_read_under_its_new_and_its_old_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "https://deadman.example.test/obviously-fake")
    found = configuration().deadman
    assert found is not None and found.get_secret_value().endswith("/obviously-fake")


def test_a_supervisor_on_this_machine_is_answered_whichever_hosts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_ALLOWED_HOSTS", "vigil.example.com")
    assert set(configuration().hosts) == {"vigil.example.com", "localhost", "127.0.0.1", "[::1]"}


def test_printing_it_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_EMAIL_URL", "smtp://u:hush@h:25")
    assert "hush" not in repr(configuration())


def test_a_database_address_is_taken_apart() -> None:
    found = parse_database_url("postgresql://a%40b:p%2Fw@db.example:6543/vigil?sslmode=require")
    assert (found["USER"], found["PASSWORD"]) == ("a@b", "p/w")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", "6543", "vigil")
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_a_socket_folder_is_a_host() -> None:
    assert parse_database_url("postgresql:///vigil?host=/run/pg")["HOST"] == "/run/pg"
