"""Billing guard: refuses requests that generate tokens, spend money or change state, so that no check does. Pure.

Facts as documented by the providers in 2026. A request is compared by method, host and path alone, after the path was
normalised, so that `//v1/Chat%2Fcompletions?x` does not get around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import idna

from probes.ai.billing_rules import FREE_ALTERNATIVES, FREE_POSTS, RULES, Harm


@dataclass(frozen=True, slots=True)
class BillingFinding:
    """Why a request is no health check, and what to ask instead. `known_host` where the provider is known to bill."""

    harm: Harm
    why: str
    instead: str
    known_host: bool


def finding(method: str, url: str) -> BillingFinding | None:
    """What harm a request would do, or None when it is known to do none."""
    parts = urlsplit(url)
    host, path = _host_of(url), one_form(parts.path)
    known = next((free for ending, free in FREE_ALTERNATIVES.items() if _is_within(host, ending)), None)
    if method == "POST" and FREE_POSTS.fullmatch(path):
        return None
    for rule in RULES:
        if rule.hosts and not any(_is_within(host, ending) for ending in rule.hosts):
            continue
        if method in rule.methods and rule.path.fullmatch(path):
            return BillingFinding(
                rule.harm, rule.why, known or "the server's own health path or model list", known is not None
            )
    return None


def refusal(method: str, url: str, acknowledged: bool, provider: str = "") -> str | None:
    """Why a monitor may not send this request, in one line that says what to do; None when it may.

    What costs money at a known provider, or changes state anywhere, cannot be acknowledged away.
    """
    parts = urlsplit(url)
    if provider.startswith("llamacpp") and one_form(parts.path) == "/metrics" and "model" in parse_qs(parts.query):
        return "is no health check: with ?model= it loads the model (llama.cpp as a router); leave the model out"
    if provider.startswith("litellm") and one_form(parts.path).endswith("/health") and not acknowledged:
        return (
            "makes a real, billed completion on every deployment at every check; use /health/liveliness or "
            "/health/readiness, or set billing_acknowledged to true"
        )
    found = finding(method, url)
    if found is None or (acknowledged and found.harm is Harm.BILLED and not found.known_host):
        return None
    if found.harm is Harm.CHANGES_STATE:
        return f"is no health check: {found.why}; use {found.instead}"
    if found.known_host:
        return f"is no health check: {found.why}, and every check would be billed; use {found.instead}"
    return (
        f"looks like a paid or costly request: {found.why}; use {found.instead}, or set billing_acknowledged to true "
        "if every check may cost that"
    )


def litellm_health_calls_per_day(url: str, models: int, regions: int, interval_s: int) -> int:
    """How many real completions a day LiteLLM's `/health` makes: one per deployment, per check, per region.

    0 for any other path. `?model=` asks one deployment only. Failing deployments are tried up to three times on top.
    """
    parts = urlsplit(url)
    # The proxy may live below a path of its own.
    if not one_form(parts.path).endswith("/health") or interval_s <= 0:
        return 0
    asked = 1 if parse_qs(parts.query).get("model") else max(1, models)
    return round(asked * max(1, regions) * 86_400 / interval_s)


def one_form(path: str) -> str:
    """A path without escapes, doubled slashes, dot segments and capitals."""
    segments: list[str] = []
    for segment in unquote(unquote(path)).lower().split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def _host_of(url: str) -> str:
    """The host that is dialled, in whatever form of letters it is written."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return host if host.isascii() else idna.uts46_remap(host, std3_rules=False, transitional=False)
    except (idna.IDNAError, UnicodeError):
        return host


def _is_within(host: str, ending: str) -> bool:
    return host == ending or host.endswith("." + ending)
