"""Errors of the API, as they are on the wire: problem+json with a code, the fields and a request id (A10)."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import redis
import structlog
from django.db import OperationalError
from django.test import Client
from django.test.utils import override_settings

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel
from vigil.api.base import parsers
from vigil.api.monitors.monitors import MonitorViewSet
from vigil.cli.processes.start import QUIET_LOGS
from vigil.problems.codes import FieldCode, ProblemCode, code_of_status
from vigil.problems.problem import FieldProblem, of_fields
from vigil.problems.request_ids import request_id_of

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}
MEMBERS = {"type", "title", "status", "detail", "code", "instance", "request_id", "errors"}


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def told(answer: Any, status: int) -> dict[str, Any]:
    """The problem of an answer, which has every part."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    problem: dict[str, Any] = answer.json()
    assert problem.keys() - {"scope"} == MEMBERS and problem["status"] == status
    assert problem["request_id"] == answer["X-Request-ID"]
    assert ProblemCode(problem["code"]).status == status and problem["type"].endswith(
        f"/api/problems/{problem['code']}"
    )
    assert problem["instance"].startswith("/api")
    return problem


def test_a_refused_field_is_named_with_its_path_a_code_and_what_to_do(api: Api) -> None:
    body = {**HTTP, "config": {"url": "nonsense"}, "tags": ["a", 7, ["b"]], "interval_s": 1, "tagz": 1}
    problem = told(api.ask("POST", "monitors", body), 400)
    assert problem["code"] == "invalid_input" and all(error["hint"] for error in problem["errors"])
    assert {error["field"]: error["code"] for error in problem["errors"]} == {
        "tags.1": "wrong_type", "tags.2": "wrong_type", "tagz": "unknown_field", "interval_s": "too_small",
    }  # fmt: skip
    problem = told(api.ask("POST", "monitors", {**HTTP, "config": {"url": "nonsense"}}), 400)
    assert [error["field"] for error in problem["errors"]] == ["config.url"]
    assert problem["detail"].startswith("config.url: ")


def test_a_member_of_a_list_is_named_by_its_place(api: Api) -> None:
    steps = [{"delay_s": 0}, {"delay_s": -1}]
    problem = api.problem("POST", "policies", {"name": "p", "steps": steps})
    assert [error["field"] for error in problem["errors"]] == ["steps.1.delay_s"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("monitors", HTTP, "name"),
        ("channels", {"name": "c", "kind": "slack", "secrets": {"url": "https://hooks.test/x"}}, "name"),
        ("people", {"name": "ann"}, "name"),
        ("heartbeats", {"name": "job"}, "name"),
        ("objectives", {"name": "o", "tag": "x"}, "name"),
    ],
)
def test_a_name_that_is_taken_is_a_duplicate_of_the_name(api: Api, path: str, body: Any, field: str) -> None:
    assert api("POST", path, body)[0] == 201
    problem = told(api.ask("POST", path, body), 409)
    assert (problem["code"], [(each["field"], each["code"]) for each in problem["errors"]]) == (
        "duplicate", [(field, "duplicate")],
    )  # fmt: skip


def test_a_slug_that_is_taken_beside_another_fault_is_a_400() -> None:
    taken, wrong = FieldProblem("slug", "Taken.", FieldCode.DUPLICATE), FieldProblem("name", "Empty.", FieldCode.BLANK)
    assert of_fields((taken,)).code is ProblemCode.DUPLICATE
    assert of_fields((taken, wrong)).code is ProblemCode.INVALID_INPUT


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/monitors/", 404, "not_found"),
        ("GET", "/api/v1/monitors/BAD", 404, "not_found"),
        ("GET", "/api/v1/monitors/mon_0", 404, "not_found"),
        ("GET", "/api/v2/monitors", 404, "not_found"),
        ("PUT", "/api/v1/monitors", 405, "method_not_allowed"),
        ("POST", "/api/problems/duplicate", 405, "method_not_allowed"),
        ("GET", "/api/v1/monitors?cursor=cD1hYmM%3D", 400, "invalid_cursor"),
        ("GET", "/api/v1/monitors?a=%00", 400, "malformed_request"),
    ],
)
def test_every_address_tells_its_errors_in_one_form(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = api.client.generic(method, path, headers={"authorization": f"Bearer {api.plain}"})
    assert told(answer, status)["code"] == code
    assert status != 405 or answer.has_header("Allow")


def test_what_is_asked_wrongly_keeps_the_headers_that_tell_what_to_do(api: Api, client: Client) -> None:
    nobody = client.get("/api/v1/monitors")
    assert (told(nobody, 401)["code"], nobody["WWW-Authenticate"]) == ("not_authenticated", "Bearer")
    wrong = client.get("/api/v1/monitors", headers={"authorization": "Bearer vgl_a_b"})
    assert told(wrong, 401)["code"] == "invalid_token"
    reader = Api(default_team(), Scope.READ)
    lacking = told(reader.ask("POST", "monitors", HTTP), 403)
    assert (lacking["code"], lacking["scope"]) == ("permission_denied", "write") and "`write`" in lacking["detail"]
    assert told(api.ask("GET", "monitors", accept="text/html"), 406)["code"] == "not_acceptable"
    form = api.client.post("/api/v1/monitors", {"name": "m"}, headers={"authorization": f"Bearer {api.plain}"})
    assert told(form, 415)["code"] == "unsupported_media_type"


def test_a_body_over_the_limit_is_a_413_and_not_a_400(api: Api) -> None:
    assert told(api.ask("POST", "monitors", {"name": "x" * parsers.BODY_MOST}), 413)["code"] == "body_too_large"


@override_settings(ALLOWED_HOSTS=["vigil.example.com"])
def test_a_host_that_is_not_ours_is_told_so(api: Api) -> None:
    assert told(api.ask("GET", "monitors", host="evil.test"), 400)["code"] == "unknown_host"


def test_a_form_of_a_browser_without_its_csrf_token_is_told_so(django_user_model: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(django_user_model.objects.create(username="u"))
    answer = browser.post("/api/v1/monitors", json.dumps(HTTP), content_type="application/json")
    assert told(answer, 403)["code"] == "csrf_failed"


class OfVigil(Exception):
    """An error that nothing expects."""


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OfVigil("a secret"), 500, "server_error"),
        (OperationalError("the database is shutting down"), 503, "unavailable"),
        (redis.ConnectionError("refused"), 503, "unavailable"),
    ],
)
def test_an_error_of_vigil_or_its_servers_is_a_problem_without_its_words(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fails(self: object) -> None:
        raise error

    monkeypatch.setattr(MonitorViewSet, "get_queryset", fails)
    api.client.raise_request_exception = False
    answer = api.ask("GET", "monitors")
    assert told(answer, status)["code"] == code
    assert "secret" not in answer.content.decode()
    assert answer.has_header("Retry-After") == (status == 503)
    assert [record.levelname for record in caplog.records if record.name == "django.request"] == ["ERROR"]


class Lines(logging.Handler):
    """What the log of `web` would have, each line with the request that it names."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        # The log's format adds these to each line.
        self.seen.append((record.levelname, structlog.contextvars.get_contextvars().get("request_id", "")))


def test_a_line_of_the_log_names_the_request_of_an_error_and_no_4xx_has_a_line(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, root = Lines(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in QUIET_LOGS}
    for name, least in QUIET_LOGS.items():
        logging.getLogger(name).setLevel(least)
    root.addHandler(lines)
    try:
        for method, path, status in (
            ("GET", "monitors/mon_0", 404), ("GET", "monitors?cursor=x", 400), ("PUT", "monitors", 405),
            ("GET", "nowhere", 404), ("POST", "monitors", 400),
        ):  # fmt: skip
            assert api.ask(method, path).status_code == status
        assert lines.seen == []
        monkeypatch.setattr(MonitorViewSet, "get_queryset", lambda self: 1 / 0)
        api.client.raise_request_exception = False
        assert api.ask("GET", "monitors", **{"x-request-id": "mine"}).status_code == 500
        assert lines.seen == [("ERROR", "mine")]
    finally:
        root.removeHandler(lines)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("given", ["abc-1.2_X", "x" * 64])
def test_a_well_formed_request_id_is_kept(api: Api, given: str) -> None:
    assert api.ask("GET", "monitors", **{"x-request-id": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", "ä", "a/../b"])
def test_any_other_request_id_is_replaced(given: str) -> None:
    made = request_id_of(given)
    assert made != given and len(made) == 32


def test_a_type_of_problem_can_be_read_by_everyone(client: Client) -> None:
    for code in ProblemCode:
        found = client.get(f"/api/problems/{code.value}").json()
        assert (found["status"], found["title"]) == (code.status, code.summary)
        assert code_of_status(code.status).status == code.status
    told(client.get("/api/problems/nonsense"), 404)


def test_the_name_of_no_column_and_no_constraint_is_shown(api: Api) -> None:
    Channel.objects.create(team=default_team(), name="c", kind="slack")
    body = {"name": "c", "kind": "slack", "secrets": {"url": "https://hooks.test/x"}}
    assert "__all__" not in api.ask("POST", "channels", body).content.decode()
