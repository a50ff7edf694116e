"""Fetching a feed: conditional, bounded in size, time and redirects, and only from where we may go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.vigil.feeds.server import FeedServer
from vigil.configuration import AlertEgress
from vigil.feeds.fetch import Fetched, Fetcher, NotFetched


@pytest.fixture
def server() -> Iterator[FeedServer]:
    server = FeedServer()
    yield server
    server.close()


def fetch(url: str, *conditions: str, egress: AlertEgress = AlertEgress.PRIVATE, deadline_s: float = 5.0) -> Fetched:
    async def run() -> Fetched:
        fetcher = Fetcher(egress, deadline_s)
        try:
            return await fetcher.fetch(url, *conditions)
        finally:
            await fetcher.close()

    return asyncio.run(run())


def test_what_is_unchanged_is_not_sent_again(server: FeedServer) -> None:
    first = fetch(server.url())
    assert (first.body, first.etag) == (b"[]", server.etag)
    again = fetch(server.url(), first.etag)
    assert again == Fetched(None, first.etag, "")
    server.body = b"[ ]"
    assert fetch(server.url(), first.etag).body == b"[ ]"


def test_a_redirect_is_followed(server: FeedServer) -> None:
    assert fetch(server.url("/once")).body == b"[]"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/huge", "larger than 2 MB"),
        ("/bomb", "larger than 2 MB"),
        ("/html", "neither JSON nor XML"),
        ("/round", "too many redirects"),
        ("/gone", "answered 503"),
    ],
)
def test_what_cannot_be_read_is_one_line(server: FeedServer, path: str, problem: str) -> None:
    with pytest.raises(NotFetched, match=problem):
        fetch(server.url(path))


def test_an_answer_that_trickles_is_cut_off_at_the_deadline(server: FeedServer) -> None:
    with pytest.raises(NotFetched, match=r"no answer within 0.5 s"):
        fetch(server.url("/slow"), deadline_s=0.5)


def test_an_address_inside_is_refused_where_only_public_ones_are_allowed(server: FeedServer) -> None:
    with pytest.raises(NotFetched, match="not public"):
        fetch(server.url(), egress=AlertEgress.PUBLIC)
    assert server.asked == []


def test_marks_that_are_endless_or_no_text_are_not_kept(server: FeedServer) -> None:
    assert fetch(server.url("/evil")) == Fetched(b"[]", "", "")


@pytest.mark.parametrize("url", ["http://", "ftp://example.test/x", "http://127.0.0.1:1/feed"])
def test_an_address_that_leads_nowhere_is_one_line(url: str) -> None:
    with pytest.raises(NotFetched, match="cannot be reached"):
        fetch(url)
