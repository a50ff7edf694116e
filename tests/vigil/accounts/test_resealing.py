"""Replacing a seal key loses no secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db import connection

from vigil.accounts import sealed
from vigil.accounts.resealing import reseal
from vigil.accounts.sealed import SealedValueUnreadable
from vigil.accounts.teams import default_team
from vigil.configuration import configuration
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def use_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    def use(*keys: str) -> None:
        monkeypatch.setenv("VIGIL_SEAL_KEYS", ",".join(keys))
        configuration.cache_clear()
        sealed._keyring.cache_clear()

    yield use
    monkeypatch.undo()
    configuration.cache_clear()
    sealed._keyring.cache_clear()


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM monitors_monitor")
        return str(cursor.fetchone()[0])


def test_a_secret_is_sealed_anew_under_the_first_key(use_keys) -> None:  # type: ignore[no-untyped-def]
    use_keys(OLD)
    config = {"url": "https://example.test/"}
    create_monitor(
        default_team(), {"name": "a", "kind": "http", "config": config, "secrets": {"bearer": "obviously-fake"}}
    )
    before = Monitor.objects.values("revision", "updated_at").get()

    use_keys(NEW, OLD)
    assert reseal()["monitors_monitor.secrets"] == 1

    use_keys(NEW)
    assert dict(Monitor.objects.get().secrets) == {"bearer": "obviously-fake"}
    assert Monitor.objects.values("revision", "updated_at").get() == before
    with pytest.raises(InvalidToken):
        Fernet(OLD).decrypt(stored().encode())


def test_a_missing_old_key_changes_nothing(use_keys) -> None:  # type: ignore[no-untyped-def]
    use_keys(OLD)
    config = {"url": "https://example.test/"}
    create_monitor(
        default_team(), {"name": "a", "kind": "http", "config": config, "secrets": {"bearer": "obviously-fake"}}
    )
    before = stored()
    use_keys(NEW)

    with pytest.raises(SealedValueUnreadable, match="put the old key back"):
        reseal()
    assert stored() == before
