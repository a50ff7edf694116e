"""Both senders of the client give the same answers, repeat what may be repeated, and believe no server blindly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from vigil.client import ApiError, AsyncVigil, Unreachable, Vigil, calls
from vigil.client.answers import MAX_BYTES, Answer, wait_before_again

Handler = Callable[[httpx.Request], httpx.Response]
SILENCE = {"id": "sil_1", "name": "s", "holds": True, "mutes": True, "pauses": False, "excludes": False, "coming": []}
REGION = {"slug": "eu", "name": "", "domain": "aws", "enabled": True, "alive": None, "newer_field": 1}
AT_ONCE = {"retry-after": "0"}


def sent(handler: Handler, call: calls.Call[Any]) -> Any:
    with Vigil("http://vigil.example", "vgl_fake", httpx.MockTransport(handler)) as vigil:
        return vigil.send(call)


def sent_by_asyncio(handler: Handler, call: calls.Call[Any]) -> Any:
    async def send() -> Any:
        async with AsyncVigil("http://vigil.example/", "vgl_fake", httpx.MockTransport(handler)) as vigil:
            return await vigil.send(call)

    return asyncio.run(send())


def listed(handler: Handler, listing: calls.Listing[Any]) -> list[Any]:
    with Vigil("http://vigil.example", "vgl_fake", httpx.MockTransport(handler)) as vigil:
        return list(vigil.each(listing))


def listed_by_asyncio(handler: Handler, listing: calls.Listing[Any]) -> list[Any]:
    async def each() -> list[Any]:
        async with AsyncVigil("http://vigil.example", "vgl_fake", httpx.MockTransport(handler)) as vigil:
            return [row async for row in vigil.each(listing)]

    return asyncio.run(each())


both = pytest.mark.parametrize("send", [sent, sent_by_asyncio])


@both
def test_a_lost_answer_is_asked_for_again_under_the_same_key(send: Callable[..., Any]) -> None:
    keys = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(201, json=SILENCE) if len(keys) == 3 else httpx.Response(503, headers=AT_ONCE)

    made = send(answer, calls.create_silence(name="s", every_monitor=True))
    assert (made.id, len(keys), len(set(keys))) == ("sil_1", 3, 1)


@both
def test_a_refusal_is_raised_at_once_with_its_fields(send: Callable[..., Any]) -> None:
    problem = {"title": "Invalid", "code": "invalid", "errors": [{"field": "tags.0", "reason": "Too long."}]}
    with pytest.raises(ApiError, match=r"tags\.0: Too long\.") as refused:
        send(lambda request: httpx.Response(400, json=problem), calls.create_silence(name="s"))
    assert refused.value.status == 400 and refused.value.problem.code == "invalid"


@both
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>hello"),
        httpx.Response(200, json={"results": 5}),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
        httpx.Response(404, text="<html>not here"),
    ],
)
def test_what_is_no_answer_of_vigil_is_an_error_and_not_a_crash(send: Callable[..., Any], answer: Any) -> None:
    with pytest.raises(ApiError):
        send(lambda request: httpx.Response(answer.status_code, content=answer.content), calls.monitor("mon_1"))


@both
def test_an_endless_answer_is_cut(send: Callable[..., Any]) -> None:
    with pytest.raises(Unreachable, match="more than"):
        send(lambda request: httpx.Response(200, content=b" " * (MAX_BYTES + 1)), calls.monitor("mon_1"))


@pytest.mark.parametrize("each", [listed, listed_by_asyncio])
def test_a_list_is_read_page_by_page_from_this_server_alone(each: Callable[..., Any]) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, dict(request.url.params)))
        following = None if "cursor" in request.url.params else "https://thief.example/api/v1/regions?cursor=abc"
        return httpx.Response(200, json={"results": [REGION], "next": following})

    found = each(answer, calls.Listing("regions", calls.Region, {"enabled": True}))
    assert [region.slug for region in found] == ["eu", "eu"]
    assert asked == [("vigil.example", {"enabled": "true"}), ("vigil.example", {"cursor": "abc"})]


def test_a_call_of_one_that_cannot_wait_is_sent_once() -> None:
    asked = []

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) > 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(503, headers=AT_ONCE, json={"title": "Unavailable"})

    with Vigil("http://vigil.example", "vgl_fake", httpx.MockTransport(busy)) as vigil:
        with pytest.raises(ApiError, match="Unavailable"):
            vigil.send_once(calls.end_silence("sil_1"))
        with pytest.raises(Unreachable, match=r"vigil\.example gave no answer: refused"):
            vigil.send_once(calls.end_silence("sil_1"))
    assert len(asked) == 2


def test_an_id_stays_in_its_place_of_the_path() -> None:
    assert calls.acknowledge("../tokens?x=").path == "incidents/..%2Ftokens%3Fx%3D/acknowledge"


@pytest.mark.parametrize(
    ("answer", "tries", "wait_s"),
    [
        (None, 1, 1.0),
        (None, 3, 4.0),
        (None, 4, None),
        (Answer(429, headers={"retry-after": "7"}), 1, 7.0),
        (Answer(429, headers={"retry-after": "86400"}), 1, None),
        (Answer(503, headers={"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}), 1, 1.0),
        (Answer(500), 1, None),
        (Answer(409), 1, None),
        (Answer(200), 1, None),
    ],
)
def test_a_call_is_sent_again_where_that_can_help(answer: Answer | None, tries: int, wait_s: float | None) -> None:
    assert wait_before_again(answer, tries) == wait_s


def test_a_body_is_json() -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.headers["authorization"], json.loads(request.content)))
        return httpx.Response(200, json={"answer": "done"})

    assert sent(answer, calls.snooze("inc_1", 30)).answer == "done"
    assert seen == [("POST", "Bearer vgl_fake", {"minutes": 30})]
