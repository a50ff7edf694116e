"""Error bodies of AI services: the words each service uses, and the reason that each word stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from probes.reasons import Reason

#: Error bodies are short; nothing beyond is read (bytes).
_READ_MOST = 16_384
_DETAILS_MOST = 10

_QUOTA = (
    "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "project_usage_limit_exceeded",
    "billing_error", "billing_hard_limit_reached", "enforced_spend_limit_reached", "payment_required",
    "insufficient_balance", "quota_exceeded", "servicequotaexceededexception", "budget_exceeded", "billing_not_active",
    "billing_disabled", "billing_not_enabled", "account_inactive", "arrearage", "insufficient_credits",
    "insufficient_credit", "insufficient_funds", "insufficient_user_quota", "exceeded_current_quota_error",
    "credits_exhausted", "out_of_credits", "credit_limit_exceeded", "usage_limit_reached", "usage_limit_exceeded",
    "usage_limits_exceeded", "monthly_limit_exceeded", "monthly_quota_exceeded", "monthly_usage_limit_exceeded",
    "workspace_limit_exceeded", "workspace_spend_limit_exceeded", "spend_limit_exceeded", "spending_limit_exceeded",
    "trial_expired", "blocked_api_access",
)  # fmt: skip
_AUTH = (
    "invalid_api_key", "authentication_error", "auth_error", "api_key_invalid", "unauthenticated", "no_db_connection",
    "permission_error", "permission_denied", "accessdeniedexception", "unrecognizedclientexception",
    "invalidsignatureexception", "expiredtokenexception", "key_model_access_denied", "token_not_found_in_db",
    "expired_key", "account_deactivated", "organization_deactivated", "access_terminated", "organization_restricted",
)  # fmt: skip
_LOADING = ("deployment_scaling_up", "modelnotreadyexception", "servernotready")
_OVERLOADED = (
    "overloaded_error", "server_is_overloaded", "service_unavailable_error", "capacity_exceeded", "unavailable",
    "overloaded", "serviceunavailableexception", "engine_overloaded",
)  # fmt: skip
_RATE_LIMITED = (
    "rate_limit_exceeded", "rate_limit_error", "slow_down", "resource_exhausted", "throttlingexception",
    "throttling_error", "too_many_requests",
)  # fmt: skip
_CONFIG = (
    "model_not_found", "not_found_error", "deploymentnotfound", "resourcenotfoundexception", "failed_precondition",
    "validationexception", "not_found", "notfounderror",
)  # fmt: skip
_NAMED: dict[str, Reason] = {
    word: reason
    for words, reason in (
        (_QUOTA, Reason.QUOTA),
        (_AUTH, Reason.AUTH),
        (_LOADING, Reason.LOADING),
        (_OVERLOADED, Reason.OVERLOADED),
        (_RATE_LIMITED, Reason.RATE_LIMITED),
        (_CONFIG, Reason.CONFIG),
    )
    for word in words
}
#: When a body holds several words, the one that says more counts: OpenAI types an empty purse as a rate limit.
_WEIGHT = {
    reason: weight
    for weight, reason in enumerate(
        (Reason.CONFIG, Reason.RATE_LIMITED, Reason.OVERLOADED, Reason.LOADING, Reason.AUTH, Reason.QUOTA)
    )
}
#: Sentences, in lower case, for those who give no word; in this order.
_SENTENCES: tuple[tuple[str, Reason], ...] = (
    ("exceeded your current quota", Reason.QUOTA),
    ("billing_hard_limit", Reason.QUOTA),
    ("credit balance is too low", Reason.QUOTA),
    ("insufficient balance", Reason.QUOTA),
    ("account suspended", Reason.QUOTA),
    ("api usage limits", Reason.QUOTA),
    ("account is not active", Reason.QUOTA),
    ("account not active", Reason.QUOTA),
    ("check your billing", Reason.QUOTA),
    ("in good standing", Reason.QUOTA),
    ("not enough credits", Reason.QUOTA),
    ("insufficient credit", Reason.QUOTA),
    ("insufficient funds", Reason.QUOTA),
    ("out of credits", Reason.QUOTA),
    ("available credits", Reason.QUOTA),
    ("any credits yet", Reason.QUOTA),
    ("purchase more credits", Reason.QUOTA),
    ("monthly included credits", Reason.QUOTA),
    ("spending limit", Reason.QUOTA),
    ("spend limit", Reason.QUOTA),
    ("monthly limit", Reason.QUOTA),
    ("monthly usage limit", Reason.QUOTA),
    ("workspace limit", Reason.QUOTA),
    ("usage limit reached", Reason.QUOTA),
    ("key limit exceeded", Reason.QUOTA),
    ("credit limit exceeded", Reason.QUOTA),
    ("limit for the current month", Reason.QUOTA),
    ("project is suspended", Reason.QUOTA),
    ("reached your usage limit", Reason.QUOTA),
    ("billing to be enabled", Reason.QUOTA),
    ("billing is not enabled", Reason.QUOTA),
    ("requires billing", Reason.QUOTA),
    ("perday", Reason.QUOTA),
    ("loading model", Reason.LOADING),
    ("is currently loading", Reason.LOADING),
    ('"estimated_time"', Reason.LOADING),
    ("api calls / month", Reason.QUOTA),
    ("high demand", Reason.OVERLOADED),
    ("server busy", Reason.OVERLOADED),
    ("engine overloaded", Reason.OVERLOADED),
    ("model is overloaded", Reason.OVERLOADED),
    ("no slot available", Reason.OVERLOADED),
    ("incorrect api key", Reason.AUTH),
    ("invalid api key", Reason.AUTH),
    ("api key not valid", Reason.AUTH),
    ("api key expired", Reason.AUTH),
    ("organization has been disabled", Reason.AUTH),
    ("missing scopes", Reason.AUTH),
)
#: What a refusal within a success is called where its number is the service's own: Milvus answers 200 to all.
_OWN_NUMBERS: dict[str, dict[int, Reason]] = {
    "milvus": {
        1: Reason.LOADING,
        8: Reason.RATE_LIMITED,
        100: Reason.CONFIG,
        101: Reason.LOADING,
        1800: Reason.AUTH,
    }
}
#: Of a target without a preset only the words of an empty purse are believed, and only beside these codes.
_PURSE_CODES = frozenset({402, 403, 429})
#: The day on which a limit ends, as the message of a used-up account names it.
_ENDS = re.compile(
    rb"(?:on|until|at|after|by|from)[\s:]{1,3}(20[0-9]{2}-[01][0-9]-[0-3][0-9])(?:(?: at |T| )([0-2][0-9]:[0-5][0-9]))?"
)
_QUOTED = re.compile(rb'"([A-Za-z_]{4,60})"')


@dataclass(frozen=True, slots=True)
class Said:
    """What a body says: the reason, our spelling of the word that gave it, and whether it was the error itself."""

    reason: Reason
    token: str
    is_error: bool = True


def said(code: int, headers: Sequence[tuple[str, str]], body: bytes, known: bool) -> Said | None:
    """What an error's body (or AWS's error header) says, or None when it says nothing that we know.

    `known` is whether a preset vouches for the provider: anyone else may say "unavailable" for reasons of their own.
    Never quotes the body: `token` is from our own tables.
    """
    if not known and code not in _PURSE_CODES:
        return None
    found = _said(code, headers, body)
    return found if known or (found is not None and found.reason is Reason.QUOTA) else None


def _said(code: int, headers: Sequence[tuple[str, str]], body: bytes) -> Said | None:
    words = [value.partition(":")[0].lower() for name, value in headers if name == "x-amzn-errortype"]
    content = _content(body[:_READ_MOST])
    is_error = bool(words)
    if content is not None:
        inside = list(_words(content))
        is_error = is_error or _is_error(content)
        words += inside
    else:
        words += [match.decode().lower() for match in _QUOTED.findall(body[:_READ_MOST])]
    sentence = _sentence(body[:_READ_MOST].lower())
    named = [(word, _NAMED[word]) for word in words if word in _NAMED]
    best = max(named, key=lambda pair: _WEIGHT[pair[1]], default=None)
    if sentence is not None and (best is None or _WEIGHT[sentence.reason] > _WEIGHT[best[1]]):
        return Said(sentence.reason, sentence.token, is_error)
    if best is not None:
        return Said(best[1], best[0], is_error)
    return None


def limit_ends(body: bytes) -> str:
    """The day and time (UTC) on which a used-up limit ends, as the body names it; "" when it names none."""
    found = _ENDS.search(body[:_READ_MOST])
    if found is None:
        return ""
    return found[1].decode() + (f" {found[2].decode()} UTC" if found[2] else "")


def _sentence(text: bytes) -> Said | None:
    if b"perminute" in text and b"perday" not in text:
        # Google words a limit of one minute as it words a used-up account.
        return None
    for sentence, reason in _SENTENCES:
        if sentence.encode() in text:
            return Said(reason, "" if '"' in sentence else sentence)
    return None


def _content(body: bytes) -> Any:
    if body[:64].lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _is_error(content: Any) -> bool:
    return isinstance(content, dict) and bool(content.get("error"))


def _words(content: Any) -> Iterator[str]:
    """Every word that stands where services put the name of an error, in lower case."""
    if isinstance(content, list):
        content = content[0] if content else None
    if not isinstance(content, dict):
        return
    error = content.get("error")
    for holder in (content, error, content.get("detail"), _inside(content.get("detail"), "error")):
        if not isinstance(holder, dict):
            continue
        for name in ("code", "type", "status", "error_type", "error_code", "__type", "reason"):
            yield from _word(holder.get(name))
        details = holder.get("details")
        for detail in details[:_DETAILS_MOST] if isinstance(details, list) else [details]:
            yield from _word(_inside(detail, "reason"))
            yield from _word(_inside(detail, "error_code"))
    yield from _word(error)


def _inside(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None


def _word(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) <= 60:
        # AWS writes `com.amazon...#ThrottlingException`.
        yield value.rpartition("#")[2].lower().replace(" ", "_")


def inner_code(body: bytes) -> int:
    """The HTTP code that an error inside a success carries, as a number or, of LiteLLM, as text; 0 without one."""
    code = _inside(_inside(_content(body[:_READ_MOST]), "error"), "code")
    number = int(code) if isinstance(code, str) and re.fullmatch("[45][0-9][0-9]", code) else code
    return number if isinstance(number, int) and 400 <= number <= 599 else 0


def own_number(provider: str, body: bytes) -> Said | None:
    """What a refusal inside a success says by the service's own number, or None."""
    numbers = _OWN_NUMBERS.get(provider)
    code = _inside(_content(body[:_READ_MOST]), "code") if numbers else None
    return Said(numbers[code], f"code {code}") if numbers and isinstance(code, int) and code in numbers else None
