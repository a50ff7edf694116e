"""Middleware that refuses requests whose path, query, headers, cookies or form no view can store: 400, never 500."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.http import parse_header_parameters

from vigil.problems.answers import answer
from vigil.problems.codes import ProblemCode, code_of_status
from vigil.problems.encoding import encoded, is_api
from vigil.problems.problem import MEDIA_TYPE, Problem
from vigil.problems.request_ids import HEADER, request_id_of
from vigil.strict_json import InputProblem, check_text

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Utf8Requests:
    """WSGI application that refuses other charsets than UTF-8: Django would fail on some before any middleware."""

    def __init__(self, following: Callable[..., Iterable[bytes]]) -> None:
        self._following = following

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            kind, parameters = parse_header_parameters(environ.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):
            kind, parameters = "", {"charset": "unknown"}
        if parameters.pop("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            return _only_utf8(environ, start_response)
        if "charset" in environ.get("CONTENT_TYPE", "").lower() and kind in ("application/json", _FORMS[0]):
            # The default, said again: named, Django reads the query while it makes the request.
            environ["CONTENT_TYPE"] = kind
        return self._following(environ, start_response)


def _only_utf8(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path, said = environ.get("PATH_INFO", ""), "Only UTF-8 is read here."
    request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))
    kind, body = "text/plain; charset=utf-8", f"{said}\n".encode()
    if is_api(path):
        kind, body = MEDIA_TYPE, encoded(Problem(ProblemCode.MALFORMED_REQUEST, said), path, request_id)
    start_response("400 Bad Request", [("Content-Type", kind), (HEADER, request_id)])
    return [body]


class AdmittedRequests:
    """Early in the chain: also what serves files and reads sessions meets only admitted text.

    JSON bodies are admitted where they are parsed: by the API's parser, and by the callbacks after their signature.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        problem = _problem(request)
        return refusal(request, problem) if problem else self._get_response(request)


def refusal(request: HttpRequest, problem: str, status: int = 400) -> HttpResponse:
    """The answer to a request that is not taken: a problem under /api/, else one line of text."""
    if is_api(request.path_info):
        return answer(Problem(code_of_status(status), problem), request)
    return HttpResponse(f"{problem}\n", content_type="text/plain; charset=utf-8", status=status)


def _problem(request: HttpRequest) -> str:
    """What is wrong with the request, as a sentence or two; empty for nothing."""
    where = "headers"
    try:
        for part, text in _texts(request):
            where = part
            check_text(text)
    except InputProblem as problem:
        return f"The {where} of this request cannot be read. {problem}"
    return ""


def _texts(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Every text that a view may read, with the part of the request that holds it."""
    yield "path", request.path_info
    for name, value in request.META.items():
        if isinstance(value, str) and (name.startswith("HTTP_") or name in ("CONTENT_TYPE", "REMOTE_ADDR")):
            yield "headers", value
    for pair in request.COOKIES.items():
        yield from (("cookies", text) for text in pair)
    yield from (("query", text) for text in _flat(request.GET.lists()))
    if request.method not in ("GET", "HEAD", "OPTIONS") and request.content_type in _FORMS:
        yield "form", ""
        # Read as a whole first, so that callbacks still find the bytes that were signed.
        yield from (("form", text) for text in _form(request))


def _form(request: HttpRequest) -> Iterable[str]:
    try:
        _ = request.body
        return [*_flat(request.POST.lists()), *request.FILES]
    except (UnreadablePostError, RawPostDataException, MultiPartParserError):
        raise InputProblem("It ended too early, or is not what its type says.") from None


def _flat(fields: Iterable[tuple[str, Sequence[object]]]) -> Iterator[str]:
    for name, values in fields:
        yield name
        yield from (value for value in values if isinstance(value, str))
