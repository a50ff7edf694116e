"""Senders of calls over httpx: one for plain code, one for asyncio. Both repeat a call that may be repeated."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import httpx

from vigil.client.answers import MAX_BYTES, Answer, Unreachable, query_of, read, wait_before_again
from vigil.client.calls import Call, Listing
from vigil.client.models import Page

AnswerT = TypeVar("AnswerT")
ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)
#: How long one request may take (s); a trial from every region takes the longest.
TIMEOUT_S = 90.0


class _Sender(Generic[ClientT]):
    _http: ClientT

    def __init__(self, url: str, token: str, http: ClientT) -> None:
        self._base = url.rstrip("/") + "/api/v1/"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = http

    def _request(self, call: Call[Any]) -> httpx.Request:
        headers = dict(self._headers)
        if call.method == "POST":
            # Sent again after a lost answer, it is done once.
            headers["Idempotency-Key"] = str(uuid.uuid4())
        return self._http.build_request(
            call.method, self._base + call.path, params=query_of(call.query), json=call.body, headers=headers
        )

    def _next(self, listing: Listing[Any], page: Page[Any] | None) -> Call[Page[Any]] | None:
        """The call for the page after `page`. Of the server's link only the query is used, never the host."""
        if page is None:
            query: Any = listing.query
        elif page.next:
            query = dict(httpx.QueryParams(urlsplit(page.next).query))
        else:
            return None
        return Call("GET", listing.path, Page[listing.item], query)  # type: ignore[name-defined]


class Vigil(_Sender[httpx.Client]):
    """Sends calls to one installation; close it, or use it in a `with` block."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, token, httpx.Client(timeout=TIMEOUT_S, transport=transport))

    def send(self, call: Call[AnswerT]) -> AnswerT:
        """The document that answers a call. Raises ApiError and Unreachable."""
        request, tries = self._request(call), 0
        while True:
            tries += 1
            try:
                answer, lost = self._answer(request), None
            except httpx.TransportError as problem:
                answer, lost = None, problem
            wait_s = wait_before_again(answer, tries)
            if wait_s is not None:
                time.sleep(wait_s)
            elif answer is None:
                raise Unreachable(f"{request.url.host} gave no answer: {lost}") from lost
            else:
                return read(answer, call.answer)

    def send_once(self, call: Call[AnswerT]) -> AnswerT:
        """The same without repetition, for callers that have no time to wait."""
        request = self._request(call)
        try:
            return read(self._answer(request), call.answer)
        except httpx.TransportError as lost:
            raise Unreachable(f"{request.url.host} gave no answer: {lost}") from lost

    def each(self, listing: Listing[AnswerT]) -> Iterator[AnswerT]:
        """Every row of a list, read page by page."""
        call = self._next(listing, None)
        while call is not None:
            page = self.send(call)
            yield from page.results
            call = self._next(listing, page)

    def _answer(self, request: httpx.Request) -> Answer:
        answer = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise Unreachable(f"{request.url.host} sent more than {MAX_BYTES} bytes")
            return Answer(
                answer.status_code, bytes(body), {name.lower(): text for name, text in answer.headers.items()}
            )
        finally:
            answer.close()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Vigil:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class AsyncVigil(_Sender[httpx.AsyncClient]):
    """As `Vigil`, for asyncio."""

    def __init__(self, url: str, token: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        super().__init__(url, token, httpx.AsyncClient(timeout=TIMEOUT_S, transport=transport))

    async def send(self, call: Call[AnswerT]) -> AnswerT:
        """The document that answers a call. Raises ApiError and Unreachable."""
        request, tries = self._request(call), 0
        while True:
            tries += 1
            try:
                answer, lost = await self._answer(request), None
            except httpx.TransportError as problem:
                answer, lost = None, problem
            wait_s = wait_before_again(answer, tries)
            if wait_s is not None:
                await asyncio.sleep(wait_s)
            elif answer is None:
                raise Unreachable(f"{request.url.host} gave no answer: {lost}") from lost
            else:
                return read(answer, call.answer)

    async def each(self, listing: Listing[AnswerT]) -> AsyncIterator[AnswerT]:
        """Every row of a list, read page by page."""
        call = self._next(listing, None)
        while call is not None:
            page = await self.send(call)
            for row in page.results:
                yield row
            call = self._next(listing, page)

    async def _answer(self, request: httpx.Request) -> Answer:
        answer = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise Unreachable(f"{request.url.host} sent more than {MAX_BYTES} bytes")
            return Answer(
                answer.status_code, bytes(body), {name.lower(): text for name, text in answer.headers.items()}
            )
        finally:
            await answer.aclose()

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncVigil:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()
