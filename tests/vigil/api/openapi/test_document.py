"""The OpenAPI document: valid, and complete about every operation."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import drf_spectacular.validation
import jsonschema_rs
import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiJsonRenderer

from tests.vigil.api.caller import Api
from tests.vigil.api.contract import Contract
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.api.openapi.document import document, operations

Json = dict[str, Any]
_OF_ROUTERS = re.compile(r"_(retrieve|partial_update|destroy)$")


@pytest.fixture(scope="module")
def written() -> Json:
    """The document as it is sent."""
    found: Json = json.loads(OpenApiJsonRenderer().render(document()))
    return found


def test_the_document_is_valid_by_the_official_schema_of_openapi_3_1(written: Json) -> None:
    official = Path(drf_spectacular.validation.__file__).parent / "openapi_3_1_schema.json"
    assert written["openapi"].startswith("3.1")
    problems = jsonschema_rs.Draft202012Validator(json.loads(official.read_text())).iter_errors(written)
    assert [f"{problem.instance_path}: {problem.message}" for problem in problems] == []


def test_making_it_warns_of_nothing() -> None:
    document.cache_clear()
    GENERATOR_STATS.reset()
    document()
    warned = [str(message) for each in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for message in each]
    assert warned == [], "name shared choices in vigil/api/base/enums.py and ENUM_NAME_OVERRIDES"


def test_every_operation_has_a_plain_id_and_a_summary_of_its_own(written: Json) -> None:
    found = operations(written)
    for words in ("operationId", "summary"):
        often = [word for word, count in Counter(each[words] for each in found).items() if count > 1]
        assert often == [], f"give these {words} of their own in vigil/api/openapi/operations.py"
    ids = [each["operationId"] for each in found]
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name) or _OF_ROUTERS.search(name)] == []
    assert {"list_monitors", "create_monitor", "get_monitor", "update_monitor", "delete_monitor"} <= set(ids)
    assert [each["operationId"] for each in found if not 5 < len(each["summary"]) < 80] == []


def test_every_operation_says_what_it_does_where_it_belongs_and_what_it_needs(written: Json) -> None:
    sections = {tag["name"] for tag in written["tags"]}
    for operation in operations(written):
        name = operation["operationId"]
        scope, described = operation["x-scope"], operation["description"]
        assert described.partition("\n\n")[0] not in ("", operation["summary"]), name
        assert set(operation["tags"]) <= sections and operation["tags"], name
        assert {"token": [scope] if scope else []} in operation["security"], name
        assert scope in Scope and f"the scope `{scope}`" in described if scope else "Any token" in described, name
        assert all(answer.get("description") or "$ref" in answer for answer in operation["responses"].values()), name


def test_every_operation_names_its_errors_as_problems(written: Json) -> None:
    shared = written["components"]["responses"]
    for path, item in written["paths"].items():
        for method, operation in item.items():
            errors = {status for status in operation["responses"] if status >= "400"}
            due = {"400", "401", "403", "429", "503"} | ({"404"} if "{" in path else set())
            due |= {"413", "415"} if method in ("post", "put", "patch") else set()
            assert due <= errors, f"{method} {path}"
            for status in errors:
                named = operation["responses"][status]["$ref"].rpartition("/")[2]
                assert list(shared[named]["content"]) == ["application/problem+json"]


def test_every_request_and_every_answer_has_an_example_that_follows_its_schema(written: Json) -> None:
    contract = Contract(written)
    for operation in operations(written):
        body = operation.get("requestBody", {})
        answers = [contract.resolved(each) for each in operation["responses"].values()]
        for part in (body, *answers):
            for media_type, content in part.get("content", {}).items():
                where = f"{operation['operationId']}, {part['description'] if part is not body else 'request'}"
                assert content["example"], f"{where} has no example"
                found = contract.validator(content["schema"]).iter_errors(content["example"])
                problems = [f"{'/'.join(map(str, each.instance_path))}: {each.message}" for each in found]
                assert media_type == "text/csv" or problems == [], f"{where}: mend vigil/api/openapi/examples.py"


@pytest.mark.django_db
def test_it_is_sent_as_json_and_as_yaml(written: Json) -> None:
    api = Api(default_team())
    token = {"authorization": f"Bearer {api.plain}"}
    assert api.client.get("/api/v1/openapi.json", headers=token).json() == written
    assert api.client.get("/api/schema/?format=json", headers=token).json() == written
    assert api.client.get("/api/schema/", headers=token).content.startswith(b"openapi: 3.1")
    assert api.client.get("/api/v1/openapi.json").status_code == 401
