"""Feed fetcher: guarded transport, conditional requests, bounded size and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from probes.net.dialer import Dialer, Resolver
from probes.net.failures import Blocked
from probes.net.guard import Egress
from probes.net.httpx_transport import GuardedTransport
from vigil.configuration import AlertEgress

DEADLINE_S = 10.0
SIZE_MOST = 2_000_000
REDIRECTS_MOST = 3
_TYPES = ("json", "xml", "rss", "atom", "text/plain")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NotFetched(Exception):
    """Fetch failure; one line without any content."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Fetched content; `body` is None if unchanged since `etag` and `modified`."""

    body: bytes | None
    etag: str = ""
    modified: str = ""


class Fetcher:
    """Create and close it on the loop that uses it."""

    def __init__(self, egress: AlertEgress, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._resolver = Resolver()
        dialer = Dialer(egress=Egress(egress.value), resolve=self._resolver)
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(dialer, body_limit=SIZE_MOST),
            timeout=deadline_s,
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "Vigil (status feed reader)"},
        )

    async def fetch(self, url: str, etag: str = "", modified: str = "") -> Fetched:
        """Fetch a feed; raises NotFetched on any failure."""
        conditions = {"if-none-match": etag, "if-modified-since": modified}
        headers = {name: value for name, value in conditions.items() if value}
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._follow(url, headers)
        except (TimeoutError, httpx.TimeoutException):
            raise NotFetched(f"no answer within {self._deadline_s:g} s") from None
        except (httpx.TransportError, httpx.InvalidURL) as problem:
            why = "the address is not public" if isinstance(problem.__cause__, Blocked) else "it cannot be reached"
            raise NotFetched(why) from None
        if response.status_code == 304 and headers:
            return Fetched(None, etag, modified)
        if response.status_code != 200:
            raise NotFetched(f"it answered {response.status_code}")
        kind = response.headers.get("content-type", "").lower()
        if not any(known in kind for known in _TYPES):
            raise NotFetched("it answered with neither JSON nor XML")
        if response.extensions["vigil.answer"].truncated:
            raise NotFetched(f"it is larger than {SIZE_MOST // 1_000_000} MB")
        return Fetched(response.content, *(_header(response, name) for name in ("etag", "last-modified")))

    async def close(self) -> None:
        await self._client.aclose()
        await self._resolver.close()

    async def _follow(self, url: str, headers: dict[str, str]) -> httpx.Response:
        for _ in range(REDIRECTS_MOST + 1):
            response = await self._client.get(url, headers=headers)
            if response.status_code not in _REDIRECTS:
                return response
            onward = urljoin(url, response.headers.get("location", ""))
            if urlsplit(url).scheme == "https" and urlsplit(onward).scheme != "https":
                raise NotFetched("it redirects away from https")
            url = onward
        raise NotFetched("too many redirects")


def _header(response: httpx.Response, name: str) -> str:
    value = str(response.headers.get(name, ""))
    # It is sent back as a header: no line ends, bounded length.
    return value if value.isprintable() and value.isascii() and len(value) <= 100 else ""
