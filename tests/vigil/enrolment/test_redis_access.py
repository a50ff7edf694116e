"""Whether the control plane manages the users of Redis: a server that fails just now is not one that refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis
from django.test import Client
from structlog.testing import capture_logs

from tests.vigil.enrolment.enrolling import ask, code_of
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, User
from vigil.accounts.teams import default_team
from vigil.configuration import configuration
from vigil.doctor.findings import Level
from vigil.doctor.regions import redis_users
from vigil.enrolment import redis_access
from vigil.enrolment.codes import issue
from vigil.enrolment.ending import by_hand_in_words, end_revoked, revoke
from vigil.enrolment.redis_access import Management
from vigil.monitors.models import Region


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), Management.AWAY),
        (redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), Management.AWAY),
        (redis.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"), Management.AWAY),
        (redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"), Management.AWAY),
        (redis.ConnectionError("max number of clients reached"), Management.AWAY),
        (redis.TimeoutError("Timeout reading from socket"), Management.AWAY),
        (redis.exceptions.NoPermissionError("this user has no permissions to run 'acl|setuser'"), Management.BY_HAND),
        (redis.AuthenticationError("invalid username-password pair or user is disabled."), Management.BY_HAND),
        (redis.ResponseError("unknown command 'ACL', with args beginning with: 'SETUSER' "), Management.BY_HAND),
    ],
)
def test_a_server_that_takes_nothing_just_now_is_away(
    error: redis.RedisError, expected: Management, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*command: str) -> None:
        raise error

    client = redis.Redis.from_url(redis_url)
    monkeypatch.setattr(client, "execute_command", refuse)
    monkeypatch.setattr(redis_access, "_client", lambda url: client)
    monkeypatch.setattr(redis_access, "server_infos", dict)
    assert redis_access.set_user("eu-west", ["secret"]) is expected


@pytest.fixture
def hosted(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A user of Redis that may not manage others, in the place of the one that may."""
    with redis.Redis.from_url(redis_url) as admin:
        admin.execute_command("ACL", "SETUSER", "hosted-once", "on", ">pw", "~*", "+@all", "-@admin", "+info")
        monkeypatch.setenv("VIGIL_USERS_REDIS_URL", f"redis://hosted-once:pw@127.0.0.1:{urlsplit(redis_url).port}/0")
        configuration.cache_clear()
        yield
        monkeypatch.undo()
        configuration.cache_clear()
        admin.execute_command("ACL", "DELUSER", "hosted-once")


@pytest.mark.django_db
def test_who_manages_the_users_is_asked_without_making_one(region: Region, redis_url: str) -> None:
    assert ask(code_of(issue(region)))[0] == 200
    with redis.Redis.from_url(redis_url) as client:
        before = client.acl_list()
        assert redis_access.management() is Management.MANAGED
        assert client.acl_list() == before
    assert by_hand_in_words() == "" and list(redis_users()) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("hosted")
def test_doctor_and_the_page_of_regions_tell_that_no_region_can_be_cut_off(region: Region, client: Client) -> None:
    assert list(redis_users()) == []
    assert ask(code_of(issue(region)))[0] == 200
    assert redis_access.management() is Management.BY_HAND
    (found,) = redis_users()
    assert found.level is Level.NOTE and "cannot cut off a region" in found.text and "ACL DELUSER" in found.advice
    client.force_login(ensure_first_admin())
    assert found.text in client.get("/regions").content.decode()
    ann = User.objects.create_user("ann")
    Membership.objects.create(user=ann, team=default_team(), role=Role.OWNER)
    client.force_login(ann)
    assert found.text not in client.get("/regions").content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("hosted")
def test_that_users_are_managed_by_hand_is_said_once_for_each_run_of_redis(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(code_of(issue(region)))[0] == 200
    told = {"run_id": "of this test"}
    monkeypatch.setattr(redis_access, "server_infos", lambda: {"": told})
    with capture_logs() as logs:
        assert revoke(Region.objects.get()) is Management.BY_HAND
        end_revoked()
        end_revoked()
        told["run_id"] = "of this test, started again"
        end_revoked()
    said = [one["run_id"] for one in logs if one["event"] == "redis.users_by_hand"]
    assert said == ["of this test", "of this test, started again"]
