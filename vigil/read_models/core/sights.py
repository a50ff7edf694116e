"""Sights: what a region saw, as the object of "saw": `connection refused`, `timeouts`, `server errors (503)`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from probes.reasons import Reason
from vigil.alerts.wording.vocabulary import reason_in_words

#: Reasons whose words in alerts are no noun.
_NOUNS: Mapping[Reason, str] = {
    Reason.DNS_ERROR: "a name that does not resolve",
    Reason.TIMEOUT: "timeouts",
    Reason.TLS_ERROR: "TLS handshakes that fail",
    Reason.CERTIFICATE_EXPIRED: "an expired certificate",
    Reason.CERTIFICATE_EXPIRING: "a certificate that expires soon",
    Reason.CERTIFICATE_INVALID: "a certificate that is not valid",
    Reason.DOMAIN_EXPIRING: "a domain that expires soon",
    Reason.DOMAIN_EXPIRED: "an expired domain",
    Reason.PROTOCOL_ERROR: "answers that break their protocol",
    Reason.BAD_REDIRECT: "a redirect that leads nowhere",
    Reason.HTTP_4XX: "client errors",
    Reason.HTTP_5XX: "server errors",
    Reason.UNEXPECTED_STATUS: "an unexpected status",
    Reason.BODY_MISMATCH: "answers without the expected text",
    Reason.HEADER_MISMATCH: "answers without the expected header",
    Reason.VALUE_MISMATCH: "answers with another value",
    Reason.MODEL_MISSING: "a model that does not exist",
    Reason.MODEL_NOT_LOADED: "a model that is not loaded",
    Reason.LOADING: "a model that still loads",
    Reason.OVERLOADED: "overload",
    Reason.BUSY: "a full queue",
    Reason.STALLED: "requests that do not finish",
    Reason.SLOW: "slow answers",
    Reason.AUTH: "a refused key",
    Reason.QUOTA: "a used-up quota",
    Reason.CONFIG: "a refused request",
    Reason.BOT_FILTER: "a bot filter",
    Reason.RATE_LIMITED: "a rate limit",
    Reason.GEO_BLOCKED: "a country that is not served",
    Reason.INTERFERED: "a network in between",
}


def sight(reason: str, codes: Collection[int] = ()) -> str:
    """What was seen, with the status code where all saw the same."""
    known = Reason(reason) if reason in set(Reason) else None
    words = _NOUNS.get(known, "") if known else ""
    told = set(codes)
    code = f" ({told.pop()})" if len(told) == 1 and 0 not in told else ""
    return f"{words or reason_in_words(reason)}{code}"
