"""Secrets are encrypted in the database and shown nowhere."""

from __future__ import annotations

import pytest
from django.db import connection

from vigil.accounts.sealed import SealedValueUnreadable, Secrets, seal, unseal
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel

pytestmark = pytest.mark.django_db


def stored(channel: Channel) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM alerts_channel WHERE id = %s", [channel.pk])
        return str(cursor.fetchone()[0])


def test_a_secret_is_not_in_the_database_in_plain() -> None:
    channel = Channel.objects.create(team=default_team(), name="c", kind="slack", secrets={"url": "https://hush"})
    assert "hush" not in stored(channel)
    assert Channel.objects.get(pk=channel.pk).secrets["url"] == "https://hush"


def test_no_secrets_are_stored_as_nothing() -> None:
    channel = Channel.objects.create(team=default_team(), name="c", kind="slack")
    assert stored(channel) == ""
    assert not Channel.objects.get(pk=channel.pk).secrets


def test_a_repr_never_shows_a_secret() -> None:
    assert "hush" not in repr(Secrets({"url": "hush"}))
    assert "hush" not in f"{Secrets({'url': 'hush'})}"


def test_saving_again_keeps_the_sealed_form() -> None:
    channel = Channel.objects.create(team=default_team(), name="c", kind="slack", secrets={"url": "hush"})
    before = stored(channel)
    again = Channel.objects.get(pk=channel.pk)
    again.save()
    assert stored(channel) == before


def test_a_token_of_another_key_is_a_named_error() -> None:
    with pytest.raises(SealedValueUnreadable, match="VIGIL_SEAL_KEYS"):
        unseal("gAAAAA" + seal("x")[6:-4] + "AAA=")
