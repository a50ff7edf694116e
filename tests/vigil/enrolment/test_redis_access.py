"""Whether the control plane manages the users of Redis: a server that fails just now is not one that refuses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest
import redis
from django.test import Client
from structlog.testing import capture_logs

from probes import keys
from probes.process.connections.servers import RedisServer, ServerRole
from tests.vigil.enrolment.enrolling import ask, code_of
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, User
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.doctor.findings import Level
from vigil.doctor.regions import redis_users
from vigil.enrolment import redis_access
from vigil.enrolment.codes import issue
from vigil.enrolment.ending import by_hand_in_words, end_revoked, revoke
from vigil.enrolment.models import RedisAccess
from vigil.enrolment.redis_access import FailedServers, Management
from vigil.monitors.models import Region

#: No server listens there.
NOWHERE = "redis://127.0.0.1:1/0"


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
    monkeypatch.setattr(redis_access, "open_users_client", lambda url: client)
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


@pytest.fixture
def asked(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the servers that are asked: a primary, and a replica that does not answer while it is listed."""
    primary = RedisServer(ServerRole.PRIMARY, "one", redis_url)
    replica = RedisServer(ServerRole.REPLICA, "two", NOWHERE)
    asked, do_at = list[str](), redis_access._do_at

    def answer(url: str, commands: Sequence[Sequence[str]]) -> Management:
        asked.append("one" if url == redis_url else "two")
        return do_at(url, commands)

    monkeypatch.setattr(redis_access, "_do_at", answer)
    monkeypatch.setattr(redis_access, "servers_of", lambda url: [primary, replica])
    return asked


@pytest.mark.django_db
def test_a_replica_that_fails_keeps_no_region_from_the_others_and_is_asked_once(
    region: Region, redis_url: str, asked: list[str]
) -> None:
    slugs = [region.slug, f"{region.slug}-b", f"{region.slug}-c"]
    for slug in slugs:
        made = Region.objects.create(slug=slug, domain="aws", public_key=b"k" * 32)
        RedisAccess.objects.create(region=made, password="of-a-test")
    assert redis_access.set_all_users(database_now(), but=[slugs[2]]) == FailedServers({"two": Management.AWAY})
    assert asked == ["one", "two", "one"]
    with redis.Redis.from_url(redis_url) as admin:
        found = {name.decode() for name in admin.execute_command("ACL", "USERS")}
    assert {keys.user(slug) for slug in slugs} & found == {keys.user(slug) for slug in slugs[:2]}
    for ended in Region.objects.all():
        revoke(ended)
    asked.clear()
    Region.objects.update(signing_key_since=database_now())
    end_revoked()
    assert asked == ["one", "two", "one", "one"], "each revoked region is ended where it can be"


@pytest.mark.django_db
def test_a_worker_is_enrolled_while_a_replica_fails_and_not_while_the_primary_does(
    region: Region, redis_url: str, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    code = code_of(issue(region))
    monkeypatch.setattr(redis_access, "servers_of", lambda url: [RedisServer(ServerRole.PRIMARY, "one", NOWHERE)])
    status, told = ask(code)
    assert status == 503 and "primary of Redis" in told["problem"]
    replica = RedisServer(ServerRole.REPLICA, "two", NOWHERE)
    primary = RedisServer(ServerRole.PRIMARY, "one", redis_url)
    monkeypatch.setattr(redis_access, "servers_of", lambda url: [primary, replica])
    assert ask(code)[0] == 200, "the same code with the same keys"


@pytest.mark.django_db
def test_the_password_before_is_noted_until_every_server_has_forgotten_it(
    region: Region, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    region.public_key = b"k" * 32
    region.save()
    now = database_now()
    RedisAccess.objects.create(region=region, password="of-a-test", previous="before", previous_until=now)
    redis_access.end_overlaps(now)
    assert RedisAccess.objects.get().previous == "before" and asked == ["one", "two"]
    primary = redis_access.servers_of("")[0]
    monkeypatch.setattr(redis_access, "servers_of", lambda url: [primary])
    redis_access.end_overlaps(now)
    assert RedisAccess.objects.get().previous == ""


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
