"""Calls the REST API with a token of its own, as a script would, and holds each answer against the document."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.vigil.api.contract import require_documented
from vigil.accounts.models import Scope, Team, User
from vigil.accounts.tokens import issue_token

READ_AND_WRITE = (Scope.READ, Scope.WRITE)


class Api:
    """`api("POST", "monitors", {...})` gives the status and the document; `under` is put before every path.

    An error comes as reasons by the first part of their fields, or as its detail: `problem` gives it as it was sent.
    """

    def __init__(self, team: Team, *scopes: Scope, user: User | None = None, under: str = "") -> None:
        self.client = Client()
        self.plain = issue_token(team, "t", scopes or READ_AND_WRITE, user=user)[1]
        self._under = under

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = self.ask(method, path, body)
        shown: Any = answer.json() if answer.content else None
        return answer.status_code, shown if answer.status_code < 400 else reasons(shown)

    def problem(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The problem that the call meets."""
        answer = self.ask(method, path, body)
        assert answer["Content-Type"] == "application/problem+json", answer.content
        found: dict[str, Any] = answer.json()
        assert found["status"] == answer.status_code
        return found

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The whole answer."""
        address = f"/api/v1/{self._under}{path}"
        answer = self.client.generic(
            method,
            address,
            data=b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"authorization": f"Bearer {self.plain}", **headers},
        )
        require_documented(method, address, answer)
        return answer


def reasons(problem: dict[str, Any]) -> dict[str, Any]:
    """The reasons of a problem by the first part of each field; its detail where it names no field."""
    found: dict[str, Any] = {}
    for error in problem["errors"]:
        found.setdefault(error["field"].partition(".")[0], []).append(error["reason"])
    return found or {"detail": problem["detail"]}
