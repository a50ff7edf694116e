"""Every operation is open to its scope and to no other: one table in the permissions, each of its cells asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import IsAuthenticated
from rest_framework.test import APIRequestFactory

from vigil.accounts.models import Membership, Role, Scope, User
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token, rights_of
from vigil.api.base.permissions import SCOPES, AnyScope, WritersOnly

pytestmark = pytest.mark.django_db
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One method of one route, and the scopes that open it together."""

    method: str
    route: str
    action: str
    view: Any
    names: tuple[str, ...]

    @property
    def needs(self) -> set[Scope]:
        options = getattr(self.view, "initkwargs", {})
        usual = Scope.READ if self.method == "get" else Scope.WRITE
        needed = {SCOPES.get((options.get("basename", ""), self.action), usual)}
        classes = options.get("permission_classes") or self.view.cls.permission_classes
        # Every caller may ask who it is, and how the API works.
        return (
            set()
            if {AnyScope, IsAuthenticated} & set(classes)
            else needed | ({Scope.WRITE} if WritersOnly in classes else set())
        )

    def asked(self, token: str) -> int:
        request = getattr(APIRequestFactory(), self.method)(
            "/api/v1/any", {}, format="json", headers={"authorization": f"Bearer {token}"}
        )
        return int(self.view(request, **dict.fromkeys(self.names, "1")).status_code)


def operations(patterns: Sequence[Any], prefix: str = "") -> Iterator[Operation]:
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from operations(one.url_patterns, route)
        elif isinstance(one, URLPattern) and route.startswith("api/v1/") and hasattr(one.callback, "cls"):
            regex = getattr(one.pattern, "regex", None)
            names = tuple(regex.groupindex) if regex else tuple(one.pattern.converters)
            actions = getattr(one.callback, "actions", None) or {m: "" for m in METHODS if hasattr(one.callback.cls, m)}
            for method, action in actions.items():
                if method in METHODS:
                    yield Operation(method, route, action, one.callback, names)


def test_every_operation_is_open_to_its_scope_and_to_no_other(redis_url: str) -> None:
    team = default_team()
    owner = User.objects.create_user("owner", is_staff=True)
    Membership.objects.create(user=owner, team=team, role=Role.OWNER)
    tokens = {scope: issue_token(team, scope, [scope], user=owner)[1] for scope in Scope}
    found = list(operations(get_resolver().url_patterns))
    assert len(found) > 110
    assert {scope for one in found for scope in one.needs} == set(Scope)
    wrong = []
    for one in found:
        for scope, token in tokens.items():
            # Of staff: who may write may add regions.
            granted = rights_of([scope]) | ({Scope.ENROL} if scope is Scope.WRITE else set())
            code = one.asked(token)
            if (code != 403) != (one.needs <= granted) or code in (401, 429, 500):
                wrong.append((one.method, one.route, scope.value, code))
    assert not wrong, os.linesep.join(map(str, wrong))
