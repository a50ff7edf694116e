"""Idempotency keys: a repetition gets the first answer, whatever was lost on the way, and changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from tests.vigil.api.caller import Api
from vigil.accounts.idempotency import KEPT_FOR, purge_answers
from vigil.accounts.models import StoredAnswer
from vigil.accounts.teams import default_team
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db(transaction=True)
AGE = [KEPT_FOR.total_seconds()]
HTTP: dict[str, Any] = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/health"}}

#: A process that makes a monitor under a key and is killed as soon as that is committed, before it answers.
_KILLED = """
import django, os, signal, sys
django.setup()
from django.core.signals import request_finished
from django.test import Client
request_finished.connect(lambda **_: os.kill(os.getpid(), signal.SIGKILL), weak=False)
plain, body = sys.argv[1:]
Client().generic("POST", "/api/v1/monitors", body, content_type="application/json",
                 headers={"authorization": f"Bearer {plain}", "idempotency-key": "k1"})
"""


def post(api: Api, path: str, body: object = None, key: str = "k1") -> Any:
    return api.client.generic(
        "POST",
        f"/api/v1/{path}",
        b"" if body is None else json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {api.plain}", "idempotency-key": key},
    )


def test_a_repetition_gets_the_first_answer_and_changes_nothing() -> None:
    api = Api(default_team())
    first, second = post(api, "monitors", HTTP), post(api, "monitors", HTTP)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (201, False)
    assert (second.status_code, second.content) == (201, first.content)
    assert (second.headers["Location"], second.headers["Idempotent-Replayed"]) == (first.headers["Location"], "true")
    assert second.headers["ETag"] == first.headers["ETag"]
    path = f"monitors/{first.json()['id']}/pause"
    assert post(api, path, key="k2").json() == post(api, path, key="k2").json()
    assert Monitor.objects.get().revision == 2


def test_a_key_is_for_one_request_of_one_caller() -> None:
    api, other = Api(default_team()), Api(default_team())
    post(api, "monitors", HTTP)
    assert post(api, "monitors", {**HTTP, "interval_s": 30}).status_code == 422
    assert post(api, "heartbeats", HTTP).status_code == 422
    assert post(other, "monitors", {**HTTP, "name": "theirs"}).status_code == 201
    for key in ("", "a b", "x" * 201, "\u00e9"):
        assert post(api, "monitors", {**HTTP, "name": "z"}, key=key).status_code == 400, key
    assert Monitor.objects.count() == 2


def test_a_refused_request_keeps_no_answer_so_that_it_can_be_mended() -> None:
    api = Api(default_team())
    assert post(api, "monitors", {**HTTP, "interval_s": 1}).status_code == 400
    assert StoredAnswer.objects.count() == 0
    assert post(api, "monitors", HTTP).status_code == 201


def test_a_request_whose_key_is_being_answered_is_told_to_come_again() -> None:
    api = Api(default_team())
    answered, commit = threading.Event(), threading.Event()

    def first() -> int:
        try:
            with transaction.atomic():
                status = int(post(api, "monitors", HTTP).status_code)
                answered.set()
                commit.wait(20)
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        assert answered.wait(20)
        early = post(api, "monitors", HTTP)
        commit.set()
        assert running.result(20) == 201
    assert (early.status_code, early.headers.get("Retry-After")) == (409, "1"), early.content
    assert post(api, "monitors", HTTP).headers["Idempotent-Replayed"] == "true"


def test_a_process_killed_between_commit_and_answer_has_kept_both_the_change_and_its_answer() -> None:
    api = Api(default_team())
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    environment = {**os.environ, "VIGIL_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "vigil.settings"}
    command = [sys.executable, "-c", _KILLED, api.plain, json.dumps(HTTP)]
    assert subprocess.run(command, env=environment, timeout=60, check=False).returncode == -9
    made = Monitor.objects.get()
    again = post(api, "monitors", HTTP)
    assert (again.status_code, again.json()["id"]) == (201, made.public_id)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_stored_answer_is_sealed_and_ends_after_a_day() -> None:
    api = Api(default_team())
    made = post(api, "heartbeats", {"name": "backup"}).json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM accounts_storedanswer")
        assert made["ping_url"][-20:] not in cursor.fetchone()[0]
        cursor.execute("UPDATE accounts_storedanswer SET created_at = now() - make_interval(secs => %s)", AGE)
    # It is made anew under the same key, although no purge has met the old answer yet.
    assert post(api, "heartbeats", {"name": "restore"}).json()["name"] == "restore"
    assert (purge_answers(), StoredAnswer.objects.count()) == (0, 1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_storedanswer SET created_at = now() - make_interval(secs => %s)", AGE)
    assert (purge_answers(), StoredAnswer.objects.count()) == (1, 0)
