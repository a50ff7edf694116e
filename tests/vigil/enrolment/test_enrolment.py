"""A code enrols one worker once; its Redis user is made, changed and ended with it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
import pytest
import redis
from django.test import Client

from probes import keys
from probes.enrolment.messages import enrolment_request
from tests.vigil.enrolment.enrolling import REFUSED_LOGIN, ask, code_of, request_of, send, signing_key, worker
from vigil.accounts.login import ensure_first_admin
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.dispatch.core.shadow import AGREED_MOST
from vigil.doctor.regions import strangers
from vigil.enrolment import redis_access
from vigil.enrolment.codes import issue
from vigil.enrolment.core.codes import FAILURES_MOST
from vigil.enrolment.core.commands import FORMS
from vigil.enrolment.ending import revoke
from vigil.enrolment.models import EnrolmentCode, RedisAccess, RegionShadow
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db


def test_s17_a_code_enrols_one_worker_with_a_redis_user_of_its_own(region: Region) -> None:
    issued = issue(region)
    code = code_of(issued)
    assert tuple(issued.commands) == FORMS and all(code in line for line in issued.commands.values())
    assert not issued.redis_line, "this Redis lets the control plane manage its users"
    stored = EnrolmentCode.objects.values().get()
    assert code not in str(stored) and code.split("_")[2] not in str(stored)

    status, answer = ask(code)
    assert (status, answer["region"], answer["revision"]) == (200, region.slug, 1)
    region.refresh_from_db()
    assert bytes(region.public_key or b"") == b"k" * 32
    with worker(answer) as client:
        client.set(keys.status(region.slug), "here")
        for foreign in ("GET vigil:believed", "GET vigil:region:other", "KEYS *", "SUBSCRIBE x", "DBSIZE", "INFO"):
            with pytest.raises(redis.ResponseError):
                client.execute_command(*foreign.split())
    assert ask(code) == (200, answer), "the answer that was lost on the way is given again"
    assert RedisAccess.objects.get().revision == 1


def test_s17_another_worker_with_the_same_code_is_refused_and_the_operator_is_told(region: Region) -> None:
    code = code_of(issue(region))
    assert ask(code)[0] == 200
    status, answer = ask(code, b"x")
    assert status == 409 and "another worker" in answer["problem"]
    assert bytes(Region.objects.get().public_key or b"") == b"k" * 32
    assert [region.slug in finding.text for finding in strangers()] == [True]
    boss = Client()
    boss.force_login(ensure_first_admin())
    assert "Two workers used one code: from 127.0.0.1" in boss.get(f"/regions/{region.slug}").content.decode()


def test_s17_a_code_ends_after_an_hour_with_the_next_one_and_with_wrong_guesses(region: Region) -> None:
    first = code_of(issue(region))
    second = code_of(issue(region))
    assert ask(first)[0] == 410
    for guess in ("", "vge_00000000_x", "vge_\0", "x" * 99, first[:12] + "x"):
        assert ask(guess)[0] == 404
    for _ in range(FAILURES_MOST):
        assert ask(second + "x")[0] == 404
    assert ask(second)[0] == 404, "a guesser has ten tries"
    third = code_of(issue(region))
    EnrolmentCode.objects.update(expires_at=database_now())
    assert ask(third)[0] == 410
    assert Region.objects.get().public_key is None


def test_s17_a_password_is_not_sent_in_clear_to_another_machine(region: Region) -> None:
    code = code_of(issue(region))
    assert ask(code, REMOTE_ADDR="192.0.2.1")[0] == 403
    assert ask(code, REMOTE_ADDR="192.0.2.1", secure=True)[0] == 200
    far = Client(REMOTE_ADDR="127.0.0.1")
    assert far.post("/enrol", b"[" * 5_000, content_type="application/json").status_code == 413
    assert far.post("/enrol", b"{", content_type="application/json").status_code == 400
    assert far.get("/enrol").status_code == 405


def test_s17_a_key_that_the_worker_does_not_hold_is_not_enrolled_and_costs_no_code(region: Region) -> None:
    code = code_of(issue(region))
    mine, foreign = request_of(code), request_of(code, b"x")
    for forged in (
        mine | {"signing_key": foreign["signing_key"]},
        mine | {"sealing_key": foreign["sealing_key"]},
        mine | {"proof": foreign["proof"]},
        mine | {"proof": request_of(code + "x")["proof"]},
        mine | {"proof": ""},
        mine | {"v": 1},
        {name: value for name, value in mine.items() if name != "proof"},
        mine | {"signing_key": "A" * 44, "code": code},
        mine | {"more": 1},
        msgspec.to_builtins(enrolment_request(code, bytes(32), signing_key())),
    ):
        assert send(forged)[0] == 400
    assert Region.objects.get().signing_key is None and EnrolmentCode.objects.get().failures == 0
    assert send(mine)[0] == 200, "malformed and forged requests leave the code as it was"
    assert send(foreign)[0] == 409


def test_s17_two_passwords_overlap_when_keys_are_rotated_and_revoking_cuts_at_once(region: Region) -> None:
    _, first = ask(code_of(issue(region)))
    _, second = ask(code_of(issue(region)), b"n")
    with worker(first) as old, worker(second) as new:
        assert old.ping() and new.ping() and second["revision"] == 2
        redis_access.end_overlaps(database_now() + redis_access.OVERLAP + timedelta(seconds=1))
        assert new.ping()
        with pytest.raises(REFUSED_LOGIN), worker(first) as late:
            late.ping()
        assert revoke(Region.objects.get()) is redis_access.Management.MANAGED
        with pytest.raises(REFUSED_LOGIN):
            new.ping()
    assert not RedisAccess.objects.exists() and Region.objects.get().public_key is None


def test_s17_a_new_line_undoes_no_enrolment_and_no_revocation_of_the_same_moment(region: Region) -> None:
    code, stale = code_of(issue(region)), Region.objects.get()
    assert ask(code)[0] == 200
    issue(stale)
    assert bytes(Region.objects.get().signing_key or b"") == signing_key().public
    stale = Region.objects.get()
    revoke(Region.objects.get())
    issue(stale)
    assert not Region.objects.get().enabled and Region.objects.get().signing_key is None
    assert ask(code)[0] == 410, "who was revoked gets no answer again"


def test_s17_users_that_redis_has_lost_are_made_again(region: Region) -> None:
    _, answer = ask(code_of(issue(region)))
    with redis.Redis.from_url(configuration().redis_url.get_secret_value()) as admin:
        admin.execute_command("ACL", "DELUSER", keys.user(region.slug))
    with pytest.raises(REFUSED_LOGIN), worker(answer) as lost:
        lost.ping()
    assert redis_access.set_all_users(database_now()) == redis_access.FailedServers()
    with worker(answer) as back:
        assert back.ping()


def test_s17_where_users_are_managed_by_hand_the_exact_line_is_shown_without_a_password(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = configuration().redis_url.get_secret_value()
    with redis.Redis.from_url(url) as admin:
        admin.execute_command("ACL", "SETUSER", "hosted", "on", ">pw", "~*", "+@all", "-@admin")
        port = urlsplit(url).port
        monkeypatch.setenv("VIGIL_USERS_REDIS_URL", f"redis://hosted:pw@127.0.0.1:{port}/0")
        configuration.cache_clear()
        issued = issue(region)
        monkeypatch.undo()
        configuration.cache_clear()
        password = EnrolmentCode.objects.get().redis_password
        assert issued.redis_line.startswith(f"ACL SETUSER worker-{region.slug} reset on resetchannels #")
        assert password not in issued.redis_line
        admin.execute_command(*issued.redis_line.split())
        admin.execute_command("ACL", "DELUSER", "hosted")
    with worker(ask(code_of(issued))[1]) as client:
        assert client.ping()


def test_the_first_regions_of_an_installation_vote_at_once(region: Region) -> None:
    assert ask(code_of(issue(region)))[0] == 200
    assert not RegionShadow.objects.exists()


def test_a_worker_that_takes_the_place_of_one_in_shadow_inherits_no_agreement(region: Region) -> None:
    Region.objects.create(slug=f"{region.slug}-old", domain="gcp", worker_since=database_now())
    assert ask(code_of(issue(region)))[0] == 200
    RegionShadow.objects.update(agreed=AGREED_MOST - 1)
    rotated = code_of(issue(Region.objects.get(slug=region.slug)))
    assert ask(rotated, b"n")[0] == 200
    assert RegionShadow.objects.get().agreed == 0
    RegionShadow.objects.update(agreed=AGREED_MOST, voting_since=database_now())
    assert ask(code_of(issue(Region.objects.get(slug=region.slug))), b"o")[0] == 200
    assert RegionShadow.objects.get().voting_since is not None, "a region that votes goes on"
