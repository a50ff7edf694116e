"""Compression of answers: of some size, where it is accepted, and of nothing that shows a secret."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team
from vigil.web.middleware.compression import LEAST, Compression

pytestmark = pytest.mark.django_db


def test_a_long_answer_is_compressed_and_a_short_one_is_not() -> None:
    api = Api(default_team())
    long = api.ask("GET", "presets", **{"accept-encoding": "gzip"})
    assert long["Content-Encoding"] == "gzip" and "Accept-Encoding" in long["Vary"]
    assert len(long.content) < len(gzip.decompress(long.content)) / 4
    assert not api.ask("GET", "presets").has_header("Content-Encoding")
    assert not api.ask("GET", "monitors", **{"accept-encoding": "gzip"}).has_header("Content-Encoding")


def compressed(request: HttpRequest, shown: Any) -> Any:
    return Compression(lambda _: shown)(request)


@pytest.mark.parametrize(("method", "control"), [("POST", ""), ("PATCH", ""), ("GET", "no-store")])
def test_what_may_show_a_secret_stays_as_it_is(method: str, control: str) -> None:
    shown = HttpResponse(b"x" * LEAST, headers={"Cache-Control": control})
    request = RequestFactory().generic(method, "/", headers={"accept-encoding": "gzip"})
    assert not compressed(request, shown).has_header("Content-Encoding")


def test_a_stream_stays_a_stream_and_a_strong_tag_becomes_weak() -> None:
    request = RequestFactory().get("/", headers={"accept-encoding": "gzip"})
    stream = StreamingHttpResponse([b"x" * LEAST])
    assert compressed(request, stream) is stream and not stream.has_header("Content-Encoding")
    tagged = HttpResponse(b"x" * LEAST, headers={"ETag": '"a"'})
    assert compressed(request, tagged)["ETag"] == 'W/"a"'
