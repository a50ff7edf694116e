"""Every route with every method for every caller: no 5xx, JSON always, and each error a problem of that status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.vigil.api.caller import Api
from tests.vigil.status.subscribing import subscriber
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.guess_limits import SECRETS
from vigil.status.models import StatusPage

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
#: What says nothing of an installation: types of problems, the schema of `vigil.yaml`, and how to get a token.
OPEN = ("/api/problems/", "/api/v1/schema.json", "/api/docs/")
JANUARY, FEBRUARY = "2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z"
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}


def routes(found: Any = None, before: str = "") -> Iterator[str]:
    for entry in found or get_resolver().url_patterns:
        text = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, text)
        elif isinstance(entry, URLPattern):
            yield text


def rows(api: Api) -> dict[str, str]:
    """A row of the team for each kind of id, by what is before it in an address."""
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    channel = api("POST", "channels", {"name": "c", "kind": "webhook", "config": {"url": "https://x.test"}})[1]["id"]
    person = api("POST", "people", {"name": "ann", "channels": [channel]})[1]["id"]
    wanted: dict[str, dict[str, Any]] = {
        "heartbeats": {"name": "h"},
        "composites": {"name": "o", "rule": "any", "members": [{"monitor": monitor}]},
        "routes": {"name": "r", "position": 1, "channels": [channel]},
        "rotations": {"name": "r", "zone": "UTC", "starts_on": "2030-01-07", "people": [person]},
        "policies": {"name": "p", "steps": [{"people": [person]}]},
        "silences": {"name": "s", "monitors": [monitor], "starts_at": JANUARY, "ends_at": FEBRUARY},
        "objectives": {"name": "o", "monitor": monitor},
        "reports": {"frequency": "weekly", "recipients": ["a@example.com"]},
        "status-pages": {"slug": "acme", "title": "Acme", "components": [{"name": "Chat", "monitor": monitor}]},
    }  # fmt: skip
    made = {"monitors": monitor, "channels": channel, "people": person, "presets": "openai", "regions": "eu"}
    for path, body in wanted.items():
        status, answer = api("POST", path, body)
        assert status == 201, (path, answer)
        made[path] = answer["id"]
    told = {"page": made["status-pages"], "title": "t", "text": "x"}
    made["public-incidents"] = api("POST", "public-incidents", told)[1]["id"]
    page = StatusPage.objects.get(public_id=made["status-pages"])
    made["subscribers"] = subscriber(page, "reader@example.test").public_id
    component = api("GET", f"status-pages/{made['status-pages']}")[1]["components"][0]["id"]
    for path, more in (
        ("scheduled-maintenances", {**told, "starts_at": JANUARY, "ends_at": "2030-01-02T00:00:00Z"}),
        ("publication-rules", {"component": component, "title": "t", "text": "x", "closing_text": "y"}),
        ("update-templates", {"name": "n", "text": "x"}),
    ):
        status, answer = api("POST", path, more)
        assert status == 201, (path, answer)
        made[path] = answer["id"]
    return made


def addresses(made: dict[str, str]) -> set[str]:
    """An address for each route of the API, with the id of a real row where the team has one."""
    found = set()
    for text in routes():
        if text.startswith("api/"):
            parts: list[str] = []
            for part in text.replace("\\Z", "").replace("$", "").replace("^", "").split("/"):
                is_id = part.startswith(("(?P<", "<"))
                parts.append(made.get(parts[-1], "mon_0") if is_id else part)
            found.add("/" + "/".join(parts).removesuffix("\\.(?P<format>[a-z0-9]+)"))
    return found


def test_t_sec_17_t_sec_18_every_route_tells_every_error_as_a_problem() -> None:
    team, other = default_team(), Team.objects.create(name="Other", slug="other")
    api = Api(team)
    found = sorted(addresses(rows(api)))
    assert len(found) > 70 and any(address.endswith("/pause") for address in found), found
    callers = {"nobody": "", "reader": Api(team, Scope.READ).plain, "stranger": Api(other).plain, "writer": api.plain}
    client, seen = Client(raise_request_exception=False), set()
    for name, token in callers.items():
        for address in found:
            for method in METHODS:
                SECRETS.forget()
                headers = {"authorization": f"Bearer {token}"} if token else {}
                answer: Any = client.generic(method, address, b"{}", content_type="application/json", headers=headers)
                seen.add(answer.status_code)
                check(method, f"{method} {address} of {name}", answer)
                open_to_all = address.startswith(OPEN) or answer.status_code in (404, 405)
                assert name != "nobody" or open_to_all or answer.status_code == 401, (method, address)
                mutates = method in ("POST", "PUT", "PATCH", "DELETE")
                assert name != "reader" or not mutates or answer.status_code in (403, 404, 405), (method, address)
    assert {200, 201, 204, 400, 401, 403, 404, 405, 415} & seen >= {200, 204, 400, 401, 403, 404, 405}


def test_what_takes_no_body_refuses_fields_that_would_do_nothing() -> None:
    api = Api(default_team())
    made = rows(api)
    refused = set()
    for address in sorted(addresses(made)):
        for method in ("POST", "PATCH", "DELETE"):
            headers = {"authorization": f"Bearer {api.plain}"}
            body = b'{"zz_unknown": 1}'
            answer: Any = api.client.generic(method, address, body, content_type="application/json", headers=headers)
            what = f"{method} {address}"
            assert answer.status_code in (400, 403, 404, 405), (what, answer.status_code)
            if answer.status_code == 400:
                assert "zz_unknown" in answer.content.decode(), (what, answer.content)
                refused.add(f"{method} {address.rpartition('/')[2]}")
    assert refused >= {"POST pause", "POST resume", "POST end", "POST rotate", f"DELETE {made['monitors']}"}
    assert api("POST", f"monitors/{made['monitors']}/pause", {})[1]["paused"] is True


def test_a_precondition_is_held_or_refused_and_never_ignored() -> None:
    api = Api(default_team())
    held: set[str] = set()
    for address in sorted(addresses(rows(api))):
        for method in ("POST", "PATCH", "DELETE"):
            headers = {"authorization": f"Bearer {api.plain}", "If-Match": '"not.this"'}
            answer: Any = api.client.generic(method, address, b"{}", content_type="application/json", headers=headers)
            what = f"{method} {address}"
            assert answer.status_code in (400, 403, 404, 405, 412), (what, answer.status_code)
            held |= {what.partition("/v1/")[2].partition("/")[0]} if answer.status_code == 412 else set()
    assert held >= {"monitors", "heartbeats", "composites", "channels", "routes", "people", "policies", "silences"}
    asked = {"action": "pause", "ids": ["mon_x"]}
    answer = api.ask("POST", "monitors/bulk", asked, **{"If-Match": '"a.b"'})
    assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"]


def check(method: str, what: str, answer: Any) -> None:
    assert answer.status_code < 500, (what, answer.content)
    assert answer["X-Request-ID"], what
    kind = answer.headers.get("Content-Type", "")
    if answer.status_code >= 400:
        assert kind == "application/problem+json", what
        problem = answer.json() if method != "HEAD" else {"status": answer.status_code}
        assert problem["status"] == answer.status_code, what
        assert answer.status_code != 405 or answer["Allow"], what
        assert answer.status_code != 401 or answer["WWW-Authenticate"], what
    elif answer.content and "/docs/" not in what and "/schema/" not in what:
        assert kind == "application/json", what


def test_a_name_of_a_page_is_no_name_of_the_api() -> None:
    places: dict[str, set[str]] = {}

    def walk(patterns: Any, start: str, space: str) -> None:
        for each in patterns:
            if isinstance(each, URLResolver):
                inner = f"{space}{each.namespace}:" if each.namespace else space
                walk(each.url_patterns, start + str(each.pattern), inner)
            elif each.name:
                places.setdefault(space + each.name, set()).add(start + str(each.pattern))

    walk(get_resolver().url_patterns, "", "")
    # A link by a name that two have leads to the later one.
    clashes = {name: found for name, found in places.items() if len({one.startswith("api/") for one in found}) > 1}
    assert not clashes and len(places) > 100
