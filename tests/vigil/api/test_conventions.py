"""What every resource of the router does alike: parameters, filters, sort, sparse fields, entity tags, keys."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import models
from rest_framework.viewsets import GenericViewSet

from tests.vigil.api.caller import Api
from tests.vigil.api.seeds import planted
from vigil.accounts.models import Membership, Role, Scope, User
from vigil.accounts.teams import default_team
from vigil.api.base.filters import AllOfFilter, AnyOfFilter, NamedRowsFilter
from vigil.api.base.pagination import sorts_of
from vigil.api.base.views import Conventions, settable_fields
from vigil.api.urls import router
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "shop", "kind": "http", "config": {"url": "https://shop.test/health"}}
LISTS: dict[str, Any] = {
    prefix: view
    for prefix, view, _ in router.registry
    if issubclass(view, GenericViewSet) and hasattr(view, "list") and "/" not in prefix
}


@pytest.fixture
def api() -> Api:
    staff = User.objects.create_user("root", is_staff=True)
    Membership.objects.create(user=staff, team=default_team(), role=Role.OWNER)
    return Api(default_team(), Scope.READ, Scope.WRITE, user=staff)


def test_every_view_set_of_the_router_has_the_conventions_before_anything_else() -> None:
    without = [prefix for prefix, view, _ in router.registry if not issubclass(view, Conventions)]
    assert without == []
    assert len(LISTS) > 12


def test_every_list_refuses_what_means_nothing(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    wrong: dict[str, int] = {}
    for prefix, view in LISTS.items():
        asked = ["bogus=1", "sort=bogus", "fields=bogus", "limit=abc", "limit=0", "limit=100000", "cursor=cD0%3D"]
        asked += ["limit=1&limit=1", "fields=id&fields=id"]
        for name, field in filters_of(view).items():
            if not isinstance(field, (AnyOfFilter, AllOfFilter)):
                asked.append(f"{name}=true&{name}=true")
            if isinstance(field, NamedRowsFilter):
                asked.append(f"{name}=nope")
            if type(field).__name__ == "StrictBooleanFilter":
                asked.append(f"{name}=maybe")
            if name == "id":
                asked.append("id=nope")
            if name in ("id", "q", "updated_after"):
                asked.append(f"{name}={'x' * 300}")
        wrong |= {
            f"{prefix}?{query}": status for query in asked if (status := api("GET", f"{prefix}?{query}")[0]) != 400
        }
        assert api("GET", f"{prefix}?limit=1")[0] == 200, prefix
    assert wrong == {}


def test_a_cursor_shows_no_key_of_a_row_and_none_can_be_made(api: Api) -> None:
    for name in ("first", "second"):
        assert api("POST", "monitors", {**HTTP, "name": name})[0] == 201
    (cursor,) = parse_qs(urlsplit(api("GET", "monitors?limit=1&sort=name")[1]["next"]).query)["cursor"]
    assert b"first" not in base64.urlsafe_b64decode(cursor)
    made = base64.urlsafe_b64encode(json.dumps(["name", False, "first", 1]).encode()).decode()
    assert api("GET", f"monitors?limit=1&sort=name&cursor={cursor}")[1]["results"][0]["name"] == "second"
    assert api("GET", f"monitors?limit=1&sort=name&cursor={quote(made)}")[0] == 400


def test_a_filter_that_names_what_there_is_not_says_so(api: Api) -> None:
    assert api("GET", "monitors?region=eu,nope") == (400, {"region": ["There is no region eu. There is none."]})
    Region.objects.create(slug="eu", domain="a")
    assert api("GET", "monitors?region=eu,nope") == (400, {"region": ["There is no region nope. There is only eu."]})
    assert api("GET", "monitors?region=eu")[0] == 200
    for path in ("incidents?monitor=mon_0", "deliveries?channel=chn_0", "deliveries?incident=inc_0"):
        problem = api.problem("GET", path)["errors"][0]
        assert (problem["code"], path.endswith(problem["reason"].split()[-1].rstrip("."))) == ("no_such_row", True)


def test_a_filter_of_a_closed_set_names_the_nearest_and_one_of_open_text_finds_none(api: Api) -> None:
    Region.objects.create(slug="eu", domain="hetzner")
    wrong = {
        "incidents?provider=opnai": "There is no opnai. Did you mean openai?",
        "dead-letters?source=dispach": "There is no dispach. Did you mean dispatch or dispatch.watch?",
        "regions?domain=hetzer": "There is no domain hetzer. Did you mean hetzner?",
        "monitors?kind=htp": "There is no htp. Did you mean http or tcp?",
        "monitors?knd=http": "There is no such parameter. Did you mean kind?",
    }
    for path, reason in wrong.items():
        assert api("GET", path) == (400, {path.partition("?")[2].partition("=")[0]: [reason]}), path
    for path in ("monitors?name=nope", "monitors?tag=nope", "heartbeats?slug=nope", "tokens?name=nope"):
        assert api("GET", path)[1]["results"] == [], path


def test_every_list_has_a_tag_with_which_it_is_not_read_again(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    for prefix in LISTS:
        tag = api.ask("GET", f"{prefix}?limit=1")["ETag"]
        again = api.ask("GET", f"{prefix}?limit=1", **{"if-none-match": tag})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag), prefix


def test_every_list_sorts_by_columns_that_are_never_null(api: Api) -> None:
    for prefix, view in LISTS.items():
        assert view.queryset is None or sorts_of(view, view.queryset), prefix
        for name, path in sorts_of(view, view.queryset).items():
            assert not column(view.queryset.model, path).null, f"{prefix} {name}"
            assert api("GET", f"{prefix}?sort=-{name}&limit=1")[0] == 200, f"{prefix} {name}"


def test_every_list_shows_only_the_fields_that_are_asked_for(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    api("POST", "monitors", HTTP)
    for prefix in LISTS:
        rows = api("GET", f"{prefix}?limit=1")[1]["results"]
        for name in list(rows[0])[:1] if rows else ():
            assert api("GET", f"{prefix}?limit=1&fields={name}")[1]["results"] == [{name: rows[0][name]}], prefix


def test_every_object_shows_only_the_fields_that_are_asked_for(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    for prefix, found in planted(api).items():
        name = next(iter(found.values()))
        if prefix in LISTS and not prefix.endswith(("presets", "members", "teams")):
            for field in list(api("GET", f"{prefix}/{name}")[1])[:3]:
                assert list(api("GET", f"{prefix}/{name}?fields={field}")[1]) == [field], prefix


def test_every_object_takes_no_parameter_that_is_not_documented(api: Api) -> None:
    region = Region.objects.create(slug="eu", domain="a")
    made = api("POST", "monitors", HTTP)[1]["id"]
    for path in (f"regions/{region.slug}", f"monitors/{made}", f"monitors/{made}/state", "presets/openai", "states"):
        assert api("GET", f"{path}?bogus=1")[0] == 400, path
    for path in (f"monitors/{made}/latency?from=2030-01-01", f"monitors/{made}/checks?regions=nope"):
        assert api("GET", path)[0] == 400, path
    assert api("POST", f"monitors/{made}/pause?bogus=1")[0] == 400
    assert api("GET", f"monitors/{made}")[1]["paused"] is False


def filters_of(view: Any) -> dict[str, Any]:
    """Filters of a list, by parameter."""
    backends = [backend() for backend in view.filter_backends]
    return {
        name: field
        for one in backends
        for name, field in one.get_filterset_class(view, view.queryset).base_filters.items()
    }


def column(model: Any, path: str) -> models.Field[Any, Any]:
    *through, last = path.split("__")
    for name in through:
        model = model._meta.get_field(name).related_model
    found: models.Field[Any, Any] = model._meta.get_field(last)
    return found


def test_sorted_pages_meet_each_row_once_in_both_directions(api: Api) -> None:
    team = default_team()
    names = [f"{letter}{number}" for number in range(3) for letter in "abc"]
    Monitor.objects.bulk_create(Monitor(team=team, name=name, kind="http") for name in names)
    # Many rows with one time: the primary key decides among them.
    Monitor.objects.update(created_at=Monitor.objects.earliest("pk").created_at)
    for sort, expected in (
        ("name", sorted(names)),
        ("-name", sorted(names, reverse=True)),
        ("-created_at", names[::-1]),
    ):
        pages, page = [], api("GET", f"monitors?limit=2&fields=name&sort={sort}")[1]
        while True:
            pages.append([row["name"] for row in page["results"]])
            if page["next"] is None:
                break
            page = api("GET", page["next"].split("/api/v1/")[1])[1]
        assert [name for one in pages for name in one] == expected
        back = api("GET", page["previous"].split("/api/v1/")[1])[1]
        assert [row["name"] for row in back["results"]] == pages[-2]
        wrong = page["previous"].split("/api/v1/")[1].replace(f"sort={sort}", "sort=updated_at")
        assert api("GET", wrong)[0] == 400


def test_filters_take_several_values_and_search_finds_text(api: Api) -> None:
    shop = api("POST", "monitors", {**HTTP, "tags": ["pay", "eu"]})[1]
    blog = api("POST", "monitors", {**HTTP, "name": "blog", "config": {"url": "https://blog.test/"}, "tags": ["eu"]})[1]
    port = {"name": "port", "kind": "tcp", "config": {"host": "db.test", "port": 5432}}
    assert api("POST", "monitors", port)[0] == 201
    api("POST", f"monitors/{blog['id']}/pause")

    def named(query: str) -> list[str]:
        status, page = api("GET", f"monitors?sort=name&{query}")
        assert status == 200, page
        return [row["name"] for row in page["results"]]

    assert named("kind=http,tcp") == named("kind=http&kind=tcp") == ["blog", "port", "shop"]
    assert (named("tag=eu&tag=pay"), named("tag=eu")) == (["shop"], ["blog", "shop"])
    assert named(f"id={shop['id']},{blog['id']}") == ["blog", "shop"]
    assert (named("q=SHOP"), named("q=db.test"), named("q=nothing")) == (["shop"], ["port"], [])
    assert (named("status=unknown"), named("status=paused"), named("status=up")) == (["port", "shop"], ["blog"], [])
    assert named(f"updated_after={shop['updated_at']}") == ["blog", "port"]
    assert api("GET", "monitors?kind=nope")[0] == 400


def test_sparse_fields_save_the_queries_of_the_fields_that_are_left_out(
    api: Api, django_assert_num_queries: Any
) -> None:
    Region.objects.create(slug="eu", domain="a")
    api("POST", "monitors", HTTP)
    with django_assert_num_queries(2):
        assert api("GET", "monitors?fields=name,kind")[1]["results"] == [{"name": "shop", "kind": "http"}]


def test_an_object_has_a_tag_and_a_write_is_refused_where_the_object_is_another(api: Api) -> None:
    made = call(api, "POST", "monitors", HTTP)
    path = f"monitors/{made.json()['id']}"
    assert made.headers["Location"] == f"/api/v1/{path}"
    tag = made.headers["ETag"]
    shown = call(api, "GET", path)
    assert shown.headers["ETag"] == tag
    same = call(api, "GET", path, if_none_match=f'"other", {tag}')
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    theirs = call(api, "PATCH", path, {"interval_s": 30, "secrets": {}}, if_match=tag)
    assert theirs.status_code == 200 and theirs.headers["ETag"] != tag
    for method, body in (("PATCH", {"interval_s": 90}), ("DELETE", None)):
        late = call(api, method, path, body, if_match=tag)
        assert late.status_code == 412
        assert late.json()["changed"] == {"interval_s": 30, "revision": 2}
    assert call(api, "GET", path, if_none_match=tag).json()["interval_s"] == 30
    assert call(api, "PATCH", path, {"interval_s": 90}, if_match="*").status_code == 200
    assert call(api, "DELETE", path, if_match='"nonsense"').status_code == 412
    assert call(api, "POST", f"{path}/pause", if_match=tag).status_code == 412
    assert call(api, "DELETE", path, if_match=call(api, "GET", path).headers["ETag"]).status_code == 204


def test_what_has_no_field_to_set_is_matched_as_a_whole(api: Api) -> None:
    path = f"tokens/{call(api, 'POST', 'tokens', {'name': 'of a program'}).json()['id']}"
    tag = call(api, "GET", path).headers["ETag"]
    refused = call(api, "DELETE", path, if_match='"nonsense"')
    assert (refused.status_code, refused.json()["changed"]) == (412, {})
    assert call(api, "DELETE", path, if_match=tag).status_code == 204


def test_a_status_that_changes_by_itself_refuses_no_write(api: Api) -> None:
    from vigil.incidents.models import MonitorState

    made = call(api, "POST", "monitors", HTTP)
    path, tag = f"monitors/{made.json()['id']}", made.headers["ETag"]
    MonitorState.objects.create(monitor=Monitor.objects.get(public_id=made.json()["id"]), status="up")
    assert call(api, "GET", path, if_none_match=tag).status_code == 200
    assert call(api, "PATCH", path, {"interval_s": 30}, if_match=tag).status_code == 200


def test_every_object_that_can_be_changed_has_fields_that_if_match_is_about() -> None:
    changed = [view for view in LISTS.values() if hasattr(view, "partial_update") and "patch" in view.http_method_names]
    assert len(changed) > 8
    assert [view.__name__ for view in changed if not settable_fields(view.serializer_class)] == []


def call(api: Api, method: str, path: str, body: object = None, **headers: str) -> Any:
    """The whole answer, with the headers of the request by name."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.generic(
        method,
        f"/api/v1/{path}",
        b"" if body is None else json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {api.plain}", **named},
    )
