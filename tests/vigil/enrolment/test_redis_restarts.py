"""A Redis that restarts and has forgotten the users of regions is given them again, and its holes are told."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from tests.vigil.enrolment.enrolling import REFUSED_LOGIN, ask, code_of, worker
from tests.waiting import until
from vigil.configuration import configuration
from vigil.dispatch import region_keeper
from vigil.dispatch.region_keeper import RESTARTED_S, RegionKeeper
from vigil.enrolment.codes import issue
from vigil.enrolment.ending import revoke
from vigil.local.servers import ports
from vigil.local.servers.redis import LocalRedis, prepare
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture(params=["without an ACL file", "with an ACL file"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[LocalRedis, Start]]:
    """A Redis of this test that keeps nothing, in the place of the installation's, and what starts it."""
    made = prepare(tmp_path, "not-a-secret", ports.take_free_port())
    argv = [*made.argv, "--appendonly", "no", "--save", ""]
    if request.param == "with an ACL file":
        users = tmp_path / "users.acl"
        users.write_text("user default on >not-a-secret ~* &* +@all\n")
        # The password is in the file, and Redis takes one of the two.
        conf = made.folder / "redis.conf"
        kept = [line for line in conf.read_text().splitlines() if not line.startswith(("requirepass", "user "))]
        conf.write_text("\n".join([*kept, f'aclfile "{users}"']) + "\n")
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(argv, env=made.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until(made.is_ready, "Redis", 30)
        return started[-1]

    monkeypatch.setenv("VIGIL_REDIS_URL", made.url)
    monkeypatch.delenv("VIGIL_USERS_REDIS_URL", raising=False)
    configuration.cache_clear()
    yield made, start
    for process in started:
        process.kill()
        process.wait()
    monkeypatch.undo()
    configuration.cache_clear()


def test_s17_users_are_back_within_the_keepers_period_after_redis_was_killed(
    region: Region, server: tuple[LocalRedis, Start]
) -> None:
    _, start = server
    first, gone = start(), Region.objects.create(slug=f"{region.slug}-gone", domain="gcp")
    answer, revoked = ask(code_of(issue(region)))[1], ask(code_of(issue(gone)), b"g")[1]
    revoke(Region.objects.get(pk=gone.pk))
    keeper = RegionKeeper()
    keeper.turn()
    first.send_signal(signal.SIGKILL)
    first.wait()
    keeper.turn()
    start()
    with worker(answer) as lost, pytest.raises(REFUSED_LOGIN):
        lost.ping()

    def is_back() -> bool:
        keeper.turn()
        with worker(answer) as client, contextlib.suppress(*REFUSED_LOGIN):
            return bool(client.ping())
        return False

    until(is_back, "the region's user", RESTARTED_S + 3)
    with worker(revoked) as ended, pytest.raises(REFUSED_LOGIN):
        ended.ping()
    with worker(answer) as client, pytest.raises(redis.ResponseError):
        client.execute_command("KEYS", "*")


def test_s03_dispatch_tells_once_of_a_redis_elsewhere_with_known_holes(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_keeper, "RELEASES_S", 0.0)
    told = {"run_id": "b", "redis_version": "7.4.1"}
    keeper = RegionKeeper()

    def warned() -> list[str]:
        with capture_logs() as logs:
            keeper.turn()
        return [one["release"] for one in logs if one["event"] == "redis.known_holes"]

    assert warned() == [], "this machine's own is reached by this machine only"
    monkeypatch.setattr(region_keeper, "servers_elsewhere", lambda: {"redis.example.com:6380": told})
    assert warned() == ["Redis 7.4.1"] and warned() == []
    told |= {"run_id": "c", "redis_version": "7.4.11"}
    assert warned() == []
