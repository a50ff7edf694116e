"""Schemathesis: every operation, asked as its document allows and as it does not, keeps to the document."""

from __future__ import annotations

import contextlib
import copy
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.pytest.lazy import get_all_tests

from tests.vigil.api.caller import Api
from tests.vigil.api.seeds import planted
from vigil.accounts.models import Membership, Role, Scope, User
from vigil.accounts.teams import default_team
from vigil.api.base.rate_limits import CALLERS
from vigil.api.openapi.document import document
from vigil.guess_limits import SECRETS
from vigil.monitors.models import Region
from vigil.problems.codes import FieldCode

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("schemathesis"), pytest.mark.timeout(600)]

#: Of the cases that are made for an operation, one in so many is asked, and at most so many: there are 14,000.
THINNED, MOST = 3, 9
#: Parameters whose values only an answer gives, and the one that leaves out what the schema requires.
LEFT_OUT = frozenset({"cursor", "fields", "If-Match", "If-None-Match"})
#: Reasons that a schema can say: a request that keeps to it is never refused for one of them.
SAYABLE = frozenset(
    {
        FieldCode.WRONG_TYPE, FieldCode.TOO_LONG, FieldCode.TOO_SHORT, FieldCode.TOO_LARGE, FieldCode.TOO_SMALL,
        FieldCode.UNKNOWN_FIELD, FieldCode.UNKNOWN_PARAMETER, FieldCode.UNKNOWN_CHOICE, FieldCode.NULL,
    }
)  # fmt: skip
SETTINGS: dict[str, Any] = {
    "seed": 7,
    "generation": {"deterministic": True, "max-examples": 3, "no-shrink": True, "database": "none"},
    # Literals of the code would make cases move with it.
    "analysis": {"constants": {"enabled": False}},
    "checks": {
        # A schema cannot say that an id is of the team, a name is free, or an end is after its beginning: what it can
        # say is held by `refused_although_it_fits`.
        "positive_data_acceptance": {"enabled": False},
    },
    "phases": {
        # Each case meets the same rows, so that there is no sequence to follow.
        "stateful": {"enabled": False},
        # `test_every_route` asks every address with every method.
        "coverage": {"unexpected-methods": []},
    },
}


@pytest.fixture
def staff() -> Api:
    """A caller with every scope of a member of staff."""
    user, team = User.objects.create_user("staff", is_staff=True, is_superuser=True), default_team()
    Membership.objects.create(user=user, team=team, role=Role.OWNER)
    return Api(team, *Scope, user=user)


@pytest.fixture
def schema(staff: Api) -> Any:
    """The document of the application, with ids of real rows in its addresses, and lists from their beginning."""
    Region.objects.create(slug="eu", domain="eu")
    made, told = planted(staff), copy.deepcopy(document())
    told["servers"] = [{"url": "/"}]
    for path, item in told["paths"].items():
        row = made.get(path.split("/")[3], {})
        for operation in item.values():
            # Only the next address of a page has one that is taken, and only an answer has a tag.
            told_of = operation.get("parameters", [])
            operation["parameters"] = [each for each in told_of if each["name"] not in LEFT_OUT]
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in row:
                    parameter["schema"] = {"type": "string", "enum": [row[parameter["name"]]]}
    loaded = schemathesis.openapi.from_dict(told, config=SchemathesisConfig.from_dict(SETTINGS))
    loaded.app = get_wsgi_application()
    return loaded


@contextlib.contextmanager
def one_connection() -> Iterator[None]:
    """Requests leave the connection of the test open, as they do with Django's own client of tests."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def refused_although_it_fits(case: Any, answer: Any) -> list[str]:
    """Reasons of a refusal that the schema should have said, where the request keeps to the schema."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE or answer.status_code != 400:
        return []
    return [f"fits, but: {one}" for one in answer.json()["errors"] if one["code"] in SAYABLE]


def test_every_operation_keeps_to_its_document(schema: Any, staff: Api, redis_url: str) -> None:
    # The client does not unpack a long answer.
    headers = {"Authorization": f"Bearer {staff.plain}", "Accept-Encoding": "identity"}
    made: Counter[str] = Counter()
    answered: dict[str, set[int]] = defaultdict(set)
    failed: dict[str, set[str]] = defaultdict(set)

    def ask(case: Any) -> None:
        name = case.operation.label
        made[name] += 1
        if made[name] % THINNED != 1 or made[name] > THINNED * MOST:
            return
        SECRETS.forget()
        CALLERS.forget()
        with transaction.atomic():
            try:
                answer = case.call(headers=headers)
                answered[name].add(answer.status_code)
                failed[name].update(refused_although_it_fits(case, answer))
                case.validate_response(answer, headers=headers)
            except FailureGroup as failures:
                failed[name].update(f"{each.title}: {each.message}" for each in failures.exceptions)
            transaction.set_rollback(True)

    with one_connection():
        for result in get_all_tests(schema=schema, test_func=ask, settings=None, given_kwargs=None):
            assert isinstance(result, Ok), result
            result.ok()[1]()
    failed = defaultdict(set, {name: each for name, each in failed.items() if each})
    assert not failed, "\n".join(f"{name}: {sorted(each)[0][:200]}" for name, each in failed.items())
    reached = [name for name, statuses in answered.items() if any(status < 300 for status in statuses)]
    assert len(reached) > 100, {name: answered[name] for name in answered.keys() - set(reached)}
