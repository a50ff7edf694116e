"""Calls the REST API with a token of its own, as a script would."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from vigil.accounts.models import Scope, Team, User
from vigil.accounts.tokens import issue_token

READ_AND_WRITE = (Scope.READ, Scope.WRITE)


class Api:
    """`api("POST", "monitors", {...})` gives the status and the document; `under` is put before every path."""

    def __init__(self, team: Team, *scopes: Scope, user: User | None = None, under: str = "") -> None:
        self.client = Client()
        self.plain = issue_token(team, "t", scopes or READ_AND_WRITE, user=user)[1]
        self._under = under

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = self.client.generic(
            method,
            f"/api/v1/{self._under}{path}",
            data=b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"authorization": f"Bearer {self.plain}"},
        )
        return answer.status_code, answer.json() if answer.content else None
