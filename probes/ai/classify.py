"""Classification of HTTP answers into reasons: by the body first, then by the status code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from probes.ai.error_bodies import Said, inner_code, limit_ends, own_number, said
from probes.ai.litellm_health import dead_models, is_health, refused_group
from probes.ai.rate_limits import headroom, retry_after_s
from probes.ai.turned_away import filter_of, refused_country
from probes.reasons import Reason, Status
from probes.wire import Fact

#: The classes of code that every provider shares; what is not here goes by its hundred.
_BY_CODE: Mapping[int, Reason] = {
    400: Reason.CONFIG,
    401: Reason.AUTH,
    402: Reason.QUOTA,
    403: Reason.AUTH,
    404: Reason.CONFIG,
    405: Reason.CONFIG,
    409: Reason.CONFIG,
    410: Reason.CONFIG,
    413: Reason.CONFIG,
    422: Reason.CONFIG,
    425: Reason.LOADING,
    429: Reason.RATE_LIMITED,
    529: Reason.OVERLOADED,
}
#: Without a known provider a refused path or method is simply a broken page.
_BY_CODE_UNKNOWN: Mapping[int, Reason] = {
    401: Reason.AUTH,
    402: Reason.QUOTA,
    403: Reason.AUTH,
    429: Reason.RATE_LIMITED,
    529: Reason.OVERLOADED,
}
_OVERLOADED_503 = {503: Reason.OVERLOADED}
_LOADING_503 = {503: Reason.LOADING}
#: Where a provider means something else by a code than the rest do.
_BY_PROVIDER: Mapping[str, Mapping[int, Reason]] = {
    "openai": _OVERLOADED_503,
    "azure-openai": _OVERLOADED_503,
    "bedrock": {**_OVERLOADED_503, 408: Reason.HTTP_5XX, 424: Reason.HTTP_5XX},
    "cohere": {498: Reason.AUTH},
    "gemini": _OVERLOADED_503,
    "mistral": _OVERLOADED_503,
    "groq": {498: Reason.OVERLOADED, 424: Reason.CONFIG},
    "together": {**_OVERLOADED_503, 403: Reason.CONFIG},
    "fireworks": {**_OVERLOADED_503, 412: Reason.QUOTA},
    "deepseek": _OVERLOADED_503,
    "openrouter": {403: Reason.CONFIG},
    "tgi": {429: Reason.OVERLOADED},
    "tei": {429: Reason.OVERLOADED},
    "llamacpp": {501: Reason.CONFIG},
    # Not ready is a 400 there, not a 503.
    "triton": {400: Reason.LOADING},
    "nim": _LOADING_503,
    "bentoml": _LOADING_503,
    "kserve": _LOADING_503,
    "weaviate": _LOADING_503,
    # A collection that is gone is lost data, not a wrong setting.
    "qdrant": {**_LOADING_503, 404: Reason.HTTP_4XX},
}
_NO_CLIENT = "refused, and the check sends no credential that could be at fault, so no client gets in"
_DEGRADED = frozenset({Reason.RATE_LIMITED, Reason.OVERLOADED, Reason.LOADING, Reason.BUSY})
_MEANING = {
    Reason.AUTH: "the key or the login is refused",
    Reason.QUOTA: "the account has no quota or credit left",
    Reason.CONFIG: "the request does not fit: a wrong address, model name or version",
    Reason.RATE_LIMITED: "too many requests",
    Reason.OVERLOADED: "overloaded",
    Reason.LOADING: "the model is still loading",
}
#: Headers that name the request at the provider, for its support.
_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")
_PROCESSING = "openai-processing-ms"


@dataclass(frozen=True, slots=True)
class ReceivedAnswer:
    """An answer to classify. `provider` is a preset's family or ""; header names are lower case.

    `expected` says whether the monitor expects this code, `credential` whether the request said who asks.
    """

    provider: str
    code: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    expected: bool
    credential: bool = True


@dataclass(frozen=True, slots=True)
class Classified:
    """What an answer means. `retry_after_s` is 0 unless the target asked to be left alone for that long."""

    status: Status
    reason: Reason
    detail: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    retry_after_s: float = 0.0


def classify(answer: ReceivedAnswer, now_s: float = 0.0) -> Classified:
    """What an answer means; `now_s` (seconds since 1970) places the instants in its headers.

    `detail` never quotes the target: providers repeat parts of a key in their messages.
    """
    facts = headroom(answer.headers, now_s)
    if not answer.expected or answer.code < 300:
        turned_away = _turned_away(answer, facts)
        if turned_away is not None:
            return turned_away
    if answer.expected:
        return _expected(answer, facts)
    group = refused_group(answer.body) if answer.code == 503 and _is_litellm_health(answer) else None
    if group is not None:
        return Classified(group.status, group.reason, f"answered 503: {group.words}", facts)
    words = said(answer.code, answer.headers, answer.body, bool(answer.provider))
    reason = words.reason if words else _by_code(answer.provider, answer.code)
    if not answer.credential and (reason is Reason.AUTH or (reason is Reason.QUOTA and words is None)):
        facts |= _provenance(answer.headers)
        return Classified(Status.DOWN, Reason.HTTP_4XX, f"answered {answer.code}: {_NO_CLIENT}", facts)
    wait_s = retry_after_s(answer.headers, now_s)
    if wait_s:
        facts["retry_after_s"] = wait_s
    facts |= _provenance(answer.headers)
    detail = _detail(f"answered {answer.code}", reason, words)
    ends = limit_ends(answer.body) if reason is Reason.QUOTA else ""
    if ends:
        facts["limit_ends"] = ends
        detail = f"{detail}, until {ends}"
    return Classified(status_of(reason), reason, detail, facts, wait_s)


def _turned_away(answer: ReceivedAnswer, facts: dict[str, Fact]) -> Classified | None:
    """What stands before the service and answered in its place."""
    if not answer.expected and refused_country(answer.code, answer.provider, answer.body):
        # This region cannot see the target, whatever the others see: no vote.
        detail = f"answered {answer.code}: the country of this region is not served"
        return Classified(Status.UNKNOWN, Reason.GEO_BLOCKED, detail, {**facts, **_provenance(answer.headers)})
    who = filter_of(answer.code, answer.headers, answer.body)
    if who is None:
        return None
    whose = who if who.startswith("a ") else f"a bot filter ({who})"
    detail = f"answered {answer.code}: {whose} turned the check away"
    return Classified(Status.DOWN, Reason.BOT_FILTER, detail, {**facts, **_provenance(answer.headers)})


def status_map(provider: str) -> dict[int, Reason]:
    """What each code means where the body says nothing else, for people to read."""
    special = _BY_PROVIDER.get(provider, {})
    return {code: _by_code(provider, code) for code in sorted({*_BY_CODE, *special, 408, 424, 500, 502, 503, 504})}


def status_of(reason: Reason) -> Status:
    """The status that goes with a reason found in an answer: trouble that passes by itself is DEGRADED."""
    if reason is Reason.OK:
        return Status.UP
    return Status.DEGRADED if reason in _DEGRADED else Status.DOWN


def _expected(answer: ReceivedAnswer, facts: dict[str, Fact]) -> Classified:
    """An expected code passes, unless a known provider says otherwise in the body."""
    dead = dead_models(answer.body) if _is_litellm_health(answer) and 200 <= answer.code < 300 else None
    if dead is not None:
        return Classified(dead.status, dead.reason, f"answered {answer.code}, but {dead.words}", facts)
    if not answer.provider or not 200 <= answer.code < 300:
        return Classified(Status.UP, Reason.OK, "", facts)
    if answer.body[:64].lstrip()[:1] == b"<":
        detail = f"answered {answer.code} with a page instead of data: a captive portal or a proxy's error page?"
        return Classified(Status.DOWN, Reason.BODY_MISMATCH, detail, facts)
    refused = _refused_inside(answer)
    if refused is not None:
        reason = refused.reason
        detail = _detail(f"answered {answer.code} with an error", reason, refused)
        return Classified(status_of(reason), reason, detail, facts)
    return Classified(Status.UP, Reason.OK, "", facts)


def _is_litellm_health(answer: ReceivedAnswer) -> bool:
    """Whether this may be LiteLLM's health page: by its preset, or by its own words where it is watched by hand."""
    return answer.provider == "litellm" or (not answer.provider and is_health(answer.body))


def _refused_inside(answer: ReceivedAnswer) -> Said | None:
    """The error inside a success, which some providers send."""
    if b'"error"' in answer.body:
        words = said_inside(answer.body, answer.provider, answer.headers)
        if words is not None and words.is_error:
            return words
    return own_number(answer.provider, answer.body)


def said_inside(body: bytes, provider: str = "openai", headers: Sequence[tuple[str, str]] = ()) -> Said | None:
    """What an error within a success says, by its words, else by the code of HTTP that it carries."""
    words = said(200, headers, body, known=True)
    if words is not None and words.is_error:
        return words
    inner = inner_code(body)
    return Said(_by_code(provider, inner), f"code {inner}") if inner else words


def _by_code(provider: str, code: int) -> Reason:
    if not provider:
        known = _BY_CODE_UNKNOWN.get(code)
    else:
        known = _BY_PROVIDER.get(provider, {}).get(code) or _BY_CODE.get(code)
        if known is None and 300 <= code < 400:
            known = Reason.CONFIG
    if known is not None:
        return known
    if 500 <= code < 600:
        return Reason.HTTP_5XX
    return Reason.HTTP_4XX if 400 <= code < 500 else Reason.UNEXPECTED_STATUS


def _detail(opening: str, reason: Reason, words: Said | None) -> str:
    meaning = _MEANING.get(reason, "")
    named = f" ({words.token})" if words and words.token else ""
    return f"{opening}: {meaning}{named}" if meaning else f"{opening}{named}"


def _provenance(headers: Sequence[tuple[str, str]]) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    for name, value in headers:
        if name in _REQUEST_IDS and "request_id" not in found and value.isascii() and value.isprintable():
            found["request_id"] = value[:80]
        elif name == _PROCESSING and value.isdigit() and len(value) < 8:
            found["provider_ms"] = int(value)
    return found
