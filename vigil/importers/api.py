"""Reader of a monitoring service's API: pages, rate limits, bounds and deadlines; only the address that was given."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from vigil.importers.core.report import SourceError
from vigil.importers.core.values import mapping, number, plain, text

PAGES_MOST, PAGE_BYTES_MOST = 500, 16 * 1_048_576
ANSWER_S, DEADLINE_S = 30.0, 1_800.0
#: Longest wait that a service may ask for at once, and how often for one page.
WAIT_MOST_S, WAITS_MOST = 120.0, 10
_BUSY = frozenset({429, 503})


class ApiClient:
    """Client of one service with its key in `headers`; `sleep` and `clock` are those of the process."""

    def __init__(
        self, headers: dict[str, str], sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._client = httpx.Client(
            headers={"accept": "application/json", "user-agent": "Vigil (importer)", **headers},
            timeout=ANSWER_S, follow_redirects=False, trust_env=False,
        )  # fmt: skip
        self._sleep, self._clock = sleep, clock
        self._ends = clock() + DEADLINE_S

    def pages(self, url: str, next_of: Callable[[dict[str, Any]], str]) -> Iterator[Any]:
        """The pages from `url` on; raises `SourceError`. A next page of another server is refused: it has no right to
        the key."""
        origin, asked = _origin(url), {url}
        for _ in range(PAGES_MOST):
            page = self._page(url)
            yield page
            following = next_of(mapping(page))
            if not following:
                return
            url = urljoin(url, following)
            if _origin(url) != origin:
                raise SourceError(f"the next page is at another server, {urlsplit(url).netloc[:80]}: nothing was sent")
            if url in asked:
                raise SourceError("the service names a page as the next one that was read already")
            asked.add(url)
        raise SourceError(f"there are more than {PAGES_MOST} pages")

    def _page(self, url: str) -> Any:
        for _ in range(WAITS_MOST):
            code, headers, body = self._get(url)
            if code not in _BUSY:
                return _document(code, body)
            wait_s = number(headers.get("retry-after")) or 10.0
            if wait_s > WAIT_MOST_S or self._clock() + wait_s > self._ends:
                raise SourceError(f"the service asks to wait {wait_s:g} s: import its saved answers, or come back then")
            self._sleep(max(wait_s, 1.0))
        raise SourceError("the service stays too busy: import its saved answers, or try later")

    def _get(self, url: str) -> tuple[int, httpx.Headers, bytes]:
        try:
            with self._client.stream("GET", url) as response:
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > PAGE_BYTES_MOST:
                        raise SourceError(f"a page is larger than {PAGE_BYTES_MOST // 1_048_576} MiB")
                    if self._clock() > self._ends:
                        raise SourceError("the service did not answer in time")
                return response.status_code, response.headers, body
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise SourceError(f"cannot read the API: {type(problem).__name__}") from None


def _document(code: int, body: bytes) -> Any:
    if code in (401, 403):
        raise SourceError(f"the service refuses the key ({code})")
    if code != 200:
        raise SourceError(f"the service answers {code}: is the address that of its API?")
    try:
        return plain(json.loads(body))
    except (ValueError, RecursionError):
        raise SourceError("the service answers with something that is no JSON") from None


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SourceError("an address begins with https://")
    return parts.scheme, parts.netloc.lower()


def next_link(page: dict[str, Any]) -> str:
    """Address of the next page, as UptimeRobot (`nextLink`) and JSON:API (`pagination.next`) give it."""
    links = mapping(page.get("pagination")), mapping(page.get("links"))
    return text(page.get("nextLink")) or next((text(each["next"]) for each in links if each.get("next")), "")
