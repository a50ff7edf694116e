"""Answers of fake providers with limits: a quota that falls, one that is nearly used up, and a country not served.

/metered/v1/models   10,000 requests a day, of which 5 a second are used by others
/spent/v1/models     a key with 3 of 100 requests left
/fenced/v1/models    refuses the region of one source address, in OpenAI's words
"""

from __future__ import annotations

from vigil.demo.exchange import ServedAnswer, ServedRequest
from vigil.demo.shapes import model_list, openai_error

LIMIT, USED_PER_S, DAY_S = 10_000, 5, 86_400
#: Where the fenced provider does not serve: the third region of the demo.
FENCED_SOURCE = "127.0.1.3"
_LIST = model_list("gpt-4o-mini")
_FENCED = openai_error(
    403, "request_forbidden", "Country, region, or territory not supported", "unsupported_country_region_territory"
)


def metered_answer(request: ServedRequest, age_s: float) -> ServedAnswer | None:
    """The answer of one of these providers, `age_s` after the start; None for any other path."""
    provider = request.path.split("/")[1] if request.path.endswith("/v1/models") else ""
    if provider == "metered":
        # It begins anew before it is used up, as a key does whose limit was raised.
        used = round(age_s * USED_PER_S) % (LIMIT - 500)
        return _with_quota(LIMIT, LIMIT - used, f"{max(1, round(DAY_S - age_s))}s")
    if provider == "spent":
        return _with_quota(100, 3, "6h0m0s")
    if provider == "fenced":
        return _FENCED if request.source == FENCED_SOURCE else _LIST
    return None


def _with_quota(limit: int, remaining: int, reset: str) -> ServedAnswer:
    headers = (
        ("x-ratelimit-limit-requests", str(limit)),
        ("x-ratelimit-remaining-requests", str(remaining)),
        ("x-ratelimit-reset-requests", reset),
    )
    return ServedAnswer(200, _LIST.body, headers=headers)
