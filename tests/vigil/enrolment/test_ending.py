"""A region that is revoked is sent nothing more, and its Redis user stays ended."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from probes.wire import RegionStatus
from tests.vigil.enrolment.enrolling import REFUSED_LOGIN, ask, code_of, worker
from vigil.cli import main
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.dispatch.region_keeper import RegionKeeper
from vigil.enrolment import ending, redis_access
from vigil.enrolment.codes import issue
from vigil.enrolment.ending import revoke
from vigil.enrolment.models import RegionShadow
from vigil.monitors.live.workers import Workers
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db


def test_s17_a_revoked_region_that_is_enrolled_again_is_in_shadow_again(region: Region) -> None:
    Region.objects.create(slug=f"{region.slug}-old", domain="gcp", worker_since=database_now())
    assert ask(code_of(issue(region)))[0] == 200
    RegionShadow.objects.update(agreed=3, voting_since=database_now())
    Region.objects.filter(slug=region.slug).update(worker_boot="b" * 32, worker_since=database_now())
    revoke(Region.objects.get(slug=region.slug))
    revoked = Region.objects.get(slug=region.slug)
    assert (revoked.worker_boot, revoked.worker_since) == ("", None)
    assert not RegionShadow.objects.exists()
    Workers().hear({region.slug: RegionStatus(1, 0, 0, 0, 0, 0, "b" * 32, "r")})
    assert Region.objects.get(slug=region.slug).worker_since is None, "a last status of its worker"
    Region.objects.filter(slug=region.slug).update(enabled=True)
    assert ask(code_of(issue(revoked)), b"n")[0] == 200
    assert [(one.agreed, one.voting_since) for one in RegionShadow.objects.all()] == [(0, None)]


def test_s17_the_user_of_a_region_that_was_revoked_while_redis_was_away_is_ended_later(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, answer = ask(code_of(issue(region)))
    monkeypatch.setenv("VIGIL_USERS_REDIS_URL", "redis://127.0.0.1:1/0")
    configuration.cache_clear()
    assert revoke(Region.objects.get()) is redis_access.Management.AWAY
    RegionKeeper().turn()
    with worker(answer) as left:
        assert left.ping()
        monkeypatch.undo()
        configuration.cache_clear()
        RegionKeeper().turn()
        with pytest.raises(REFUSED_LOGIN):
            left.ping()


def test_s17_a_revoked_user_that_an_older_acl_file_brought_back_is_ended_again(region: Region) -> None:
    waiting = Region.objects.create(slug=f"{region.slug}-new", domain="gcp")
    _, answer = ask(code_of(issue(region)))
    revoke(Region.objects.get(slug=region.slug))
    password = urlsplit(answer["redis_url"]).password or ""
    for slug in (region.slug, waiting.slug):
        redis_access.set_user(slug, [password])
    with worker(answer) as back:
        assert back.ping()
        RegionKeeper().turn()
        with pytest.raises(REFUSED_LOGIN):
            back.ping()
    answer["redis_url"] = answer["redis_url"].replace(region.slug, waiting.slug)
    with worker(answer) as by_hand:
        assert by_hand.ping(), "that region waits for its worker"


def test_s17_a_region_that_is_enrolled_while_it_is_ended_keeps_its_user(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(code_of(issue(region)))
    revoke(Region.objects.get())
    code, answers, end = code_of(issue(Region.objects.get())), [], ending.end_user

    def end_late(slug: str, failed: redis_access.FailedServers) -> redis_access.Management:
        answers.append(ask(code, b"n"))
        return end(slug, failed)

    monkeypatch.setattr(ending, "end_user", end_late)
    ending.end_revoked()
    [(status, answer)] = answers
    with worker(answer) as client:
        assert status == 200 and client.ping()


def test_a_script_that_revokes_a_region_is_told_what_is_left_to_do(
    region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    region.save()
    monkeypatch.setattr(ending, "end_user", lambda slug: redis_access.Management.AWAY)
    assert main(["region", "revoke", region.slug, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["enabled"] is False and f"ACL DELUSER worker-{region.slug}" in told["left_to_do"]
    assert main(["region", "revoke", region.slug]) == 0
    assert "sent nothing more. Its Redis user is still there" in capsys.readouterr().out


def test_whoever_gives_a_region_that_is_sent_no_checks_a_new_worker_is_told_how_it_gets_some(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    region.save()
    told = f"# It is sent no checks until `region resume {region.slug}`."
    assert main(["region", "rotate", region.slug]) == 0
    assert told not in capsys.readouterr().out
    revoke(region)
    assert main(["region", "rotate", region.slug]) == 0
    assert told in capsys.readouterr().out
    assert main(["region", "resume", region.slug]) == 0
    assert Region.objects.get().enabled
