"""API of one caller: every tool asks Vigil through it, with the caller's token and nothing else."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from vigil.accounts.authors import VIA_HEADER
from vigil.client import Vigil
from vigil.client.calls import Call
from vigil.mcp.core.schemas import ArgumentsRefused

MONITOR_ID = re.compile(r"mon_[0-9a-z]{1,20}")


class ViaMcp(httpx.BaseTransport):
    """A transport whose requests say that they come over MCP."""

    def __init__(self, below: httpx.BaseTransport) -> None:
        self._below = below

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers[VIA_HEADER] = "mcp"
        return self._below.handle_request(request)

    def close(self) -> None:
        self._below.close()


class CallerApi:
    """Requests of one caller. `base` is the address of the pages, for links.

    Every method raises `ApiError` for a refusal of the API, and `Unreachable`.
    """

    def __init__(self, base: str, token: str, transport: httpx.BaseTransport) -> None:
        self.base = base.rstrip("/")
        self._sender = Vigil(self.base, token, ViaMcp(transport))

    def get(self, path: str, **query: Any) -> Any:
        """The document at a path below `/api/v1/`. Empty parameters are left out; a list is one, comma separated."""
        return self._sender.send_once(Call("GET", path, Any, _given(query)))  # type: ignore[arg-type]

    def post(self, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        return self._sender.send_once(Call("POST", path, Any, _given(query), body))  # type: ignore[arg-type]

    def link(self, *parts: str) -> str:
        """Address of a page."""
        return "/".join([self.base, *parts])

    def monitor_id(self, called: str) -> str:
        """Id of the monitor of this id or name; raises `ArgumentsRefused` where none or several have the name."""
        if MONITOR_ID.fullmatch(called):
            return called
        found = self.get("monitors", name=called, limit=2, fields="id,name")["results"]
        if len(found) != 1:
            problem = "There is no monitor" if not found else "More than one monitor is called"
            raise ArgumentsRefused(f"{problem} {called[:80]!r}: list_monitors shows ids.")
        return str(found[0]["id"])


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in query.items()
        if value not in (None, "", [])
    }


def cursor_of(next_page: str | None) -> str | None:
    """The cursor in the address of a page; of that address nothing else is used."""
    return parse_qs(urlsplit(next_page).query).get("cursor", [None])[0] if next_page else None


class ToolArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what tools take: anything that they do not know is refused."""
