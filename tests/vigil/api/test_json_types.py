"""Values of another JSON type than that of their field: refused by name in every kind of field, and never coerced."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team
from vigil.api.openapi.document import document

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}

#: What a program may send by mistake, by the type of the schema.
WRONG: dict[str, tuple[Any, ...]] = {
    "string": (5, 1.5, True, ["a"], {"a": "b"}),
    "integer": ("5", 5.0, 5.5, True, [5]),
    "number": ("5", True, [5]),
    "boolean": ("yes", "true", 1, 0, [True]),
    "array": ("a", 5, True, {"a": "b"}),
    "object": ("a", 5, True, ["a"]),
}
WHOLE = "A whole number, without quotes or a point, is needed here."
CHOICE = "One of the choices, as the schema writes it, is needed here."
OBJECTS = {
    "monitors": "MonitorRequest", "heartbeats": "HeartbeatRequest", "composites": "CompositeRequest",
    "channels": "ChannelRequest", "routes": "RouteRequest", "people": "PersonRequest",
    "rotations": "RotationRequest", "policies": "PolicyRequest", "silences": "SilenceRequest",
    "objectives": "ObjectiveRequest", "reports": "ReportRequest", "monitors/bulk": "BulkRequest",
    "status-pages": "StatusPageRequest", "public-incidents": "PublicIncidentRequest",
    "scheduled-maintenances": "ScheduledMaintenanceRequest", "publication-rules": "PublicationRuleRequest",
    "update-templates": "UpdateTemplateRequest",
}  # fmt: skip


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def kind_of(schema: dict[str, Any], told: dict[str, Any]) -> str:
    """The one type of a field; empty for one that takes several."""
    if "$ref" in schema:
        return kind_of(told[schema["$ref"].rpartition("/")[2]], told)
    options = schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf")
    if options:
        found = {kind_of(one, told) for one in options} - {"null"}
        return found.pop() if len(found) == 1 else ""
    named = schema.get("type", "string" if "enum" in schema else "")
    several = [one for one in ([named] if isinstance(named, str) else named) if one != "null"]
    return several[0] if len(several) == 1 else ""


def test_every_field_of_every_object_refuses_other_types(api: Api) -> None:
    told = document()["components"]["schemas"]
    asked = 0
    for path, name in OBJECTS.items():
        for field, schema in told[name]["properties"].items():
            for value in WRONG.get(kind_of(schema, told), ()):
                status, answer = api("POST", path, {field: value})
                assert status == 400 and field in answer, (path, field, value, answer)
                asked += 1
    assert asked > 300


@pytest.mark.parametrize(
    ("path", "body", "field", "reason"),
    [
        ("monitors", {**HTTP, "name": 5}, "name", "A text is needed here."),
        ("monitors", {**HTTP, "interval_s": "60"}, "interval_s", WHOLE),
        ("monitors", {**HTTP, "paused": "no"}, "paused", "Either true or false is needed here."),
        ("monitors", {**HTTP, "tags": ["a", 5]}, "tags.1", "A text is needed here."),
        ("monitors", {**HTTP, "secrets": {"bearer": 12345}}, "secrets.bearer", "A text is needed here."),
        ("monitors", {**HTTP, "priority": 1}, "priority", CHOICE),
        ("routes", {"name": "r", "days": ["1"]}, "days.0", WHOLE),
        ("policies", {"name": "p", "steps": [{"delay_s": "5"}]}, "steps.0.delay_s",
         WHOLE),
    ],
)  # fmt: skip
def test_the_reason_names_the_type_and_its_place(api: Api, path: str, body: Any, field: str, reason: str) -> None:
    errors = api.problem("POST", path, body)["errors"]
    assert [(one["field"], one["code"], one["reason"]) for one in errors] == [(field, "wrong_type", reason)]


def test_a_share_is_a_text_or_a_number(api: Api) -> None:
    for share in ("99.95", 99.95):
        body = {"name": f"o {share!r}", "tag": "shop", "target_percent": share}
        assert api("POST", "objectives", body)[1]["target_percent"] == "99.9500"


@pytest.mark.parametrize("body", [[], False, 0, ""])
def test_a_body_that_is_no_object_is_refused_and_not_taken_for_none(api: Api, body: Any) -> None:
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    assert api("POST", f"monitors/{monitor}/test", body)[0] == 400


def test_an_empty_or_a_wrong_parameter_is_refused(api: Api) -> None:
    wrong = ("incidents?resolved_before=", "monitors?updated_after=", "incidents?state=", "monitors?paused=")
    for path in wrong:
        assert api("GET", path)[0] == 400, path
    assert api("GET", f"uptime?tag={'a' * 60}")[0] == 400
    assert api("GET", f"export?project={'a' * 101}")[0] == 400
    monitor = api("POST", "monitors", HTTP)[1]["id"]
    assert api("POST", f"monitors/{monitor}/test?wait=maybe") == (400, {"wait": ["Either true or false."]})
