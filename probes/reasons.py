"""The closed vocabulary of what a check can see: statuses and the reasons that explain them."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What one check saw. UNKNOWN is the absence of knowledge and never a vote."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Refusal(StrEnum):
    """Why a message is not taken."""

    #: Not a message of that type, or one of a release that is not known here.
    UNREADABLE = "unreadable"
    #: A number, a name or a size that nothing here could hold.
    OUT_OF_BOUNDS = "out_of_bounds"
    #: A time that is too far from now.
    IMPLAUSIBLE_TIME = "implausible_time"
    #: More than the region has a budget for.
    OVER_BUDGET = "over_budget"
    #: More bytes or keys in Redis than a region may keep.
    OVER_ITS_BOUND = "over_its_bound"
    #: The key or the stream itself is of no use: of another kind, or numbered from the far future.
    KEY_OVERWRITTEN = "key_overwritten"
    #: Without an envelope: written by an earlier release, or by a stranger.
    UNSIGNED = "unsigned"
    #: An envelope of another version.
    WRONG_VERSION = "wrong_version"
    #: An envelope that is cut short, or has more than belongs to it.
    MALFORMED = "malformed"
    #: More bytes than a message of its kind may have.
    OVERSIZED = "oversized"
    #: Signed by a key that is not known here, or no longer.
    UNKNOWN_KEY = "unknown_key"
    #: Signed for another region, or for another key of Redis.
    WRONG_PLACE = "wrong_place"
    #: Signed too long ago.
    EXPIRED = "expired"
    #: Signed in the future.
    PREMATURE = "premature"
    #: Taken before.
    REPLAYED = "replayed"
    #: The signature is not that of this message: forged, or altered.
    FORGED = "forged"


class Reason(StrEnum):
    """Why a check has its status; `OK` for a clean pass."""

    OK = "ok"
    # The target could not be reached or did not speak the protocol.
    DNS_ERROR = "dns_error"
    REFUSED = "refused"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS_ERROR = "tls_error"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    CERTIFICATE_INVALID = "certificate_invalid"
    PROTOCOL_ERROR = "protocol_error"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TOO_LARGE = "too_large"
    BAD_REDIRECT = "bad_redirect"
    # The target answered, and the answer says that it is not well.
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    UNEXPECTED_STATUS = "unexpected_status"
    BODY_MISMATCH = "body_mismatch"
    HEADER_MISMATCH = "header_mismatch"
    VALUE_MISMATCH = "value_mismatch"
    MODEL_MISSING = "model_missing"
    MODEL_NOT_LOADED = "model_not_loaded"
    LOADING = "loading"
    OVERLOADED = "overloaded"
    STALLED = "stalled"
    BUSY = "busy"
    SLOW = "slow"
    # The registration of a domain ends soon, or has ended.
    DOMAIN_EXPIRING = "domain_expiring"
    DOMAIN_EXPIRED = "domain_expired"
    # The target is fine and this caller is not welcome: an account problem, never an outage.
    AUTH = "auth"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    CONFIG = "config"
    BOT_FILTER = "bot_filter"
    # The prober could not see: no vote.
    BLOCKED = "blocked"
    MISSED = "missed"
    OVERDUE = "overdue"
    PROBE_ERROR = "probe_error"
    SKIPPED = "skipped"
    GEO_BLOCKED = "geo_blocked"
    INTERFERED = "interfered"


#: The key, the request or the way we ask is at fault and the provider is not.
ACCOUNT_REASONS = frozenset({Reason.AUTH, Reason.QUOTA, Reason.CONFIG, Reason.BOT_FILTER})

#: Reasons that only ever come with UNKNOWN: they say nothing of the target.
NO_VOTE_REASONS = frozenset(
    {
        Reason.BLOCKED,
        Reason.MISSED,
        Reason.OVERDUE,
        Reason.PROBE_ERROR,
        Reason.SKIPPED,
        Reason.GEO_BLOCKED,
        Reason.INTERFERED,
    }
)

#: The numbers under which history stores statuses and reasons: only ever appended to, never given twice.
STATUS_CODES = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2, Status.UNKNOWN: 3}
REASON_CODES = {
    reason: code
    for code, reason in enumerate(
        (
            Reason.OK, Reason.DNS_ERROR, Reason.REFUSED, Reason.RESET, Reason.UNREACHABLE, Reason.TIMEOUT,
            Reason.TLS_ERROR, Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_EXPIRING, Reason.CERTIFICATE_INVALID,
            Reason.PROTOCOL_ERROR, Reason.TOO_MANY_REDIRECTS, Reason.TOO_LARGE, Reason.HTTP_4XX, Reason.HTTP_5XX,
            Reason.UNEXPECTED_STATUS, Reason.BODY_MISMATCH, Reason.HEADER_MISMATCH, Reason.VALUE_MISMATCH,
            Reason.MODEL_MISSING, Reason.MODEL_NOT_LOADED, Reason.LOADING, Reason.OVERLOADED, Reason.STALLED,
            Reason.BUSY, Reason.SLOW, Reason.AUTH, Reason.QUOTA, Reason.RATE_LIMITED, Reason.CONFIG, Reason.BLOCKED,
            Reason.MISSED, Reason.OVERDUE, Reason.PROBE_ERROR, Reason.SKIPPED, Reason.DOMAIN_EXPIRING,
            Reason.DOMAIN_EXPIRED, Reason.BAD_REDIRECT, Reason.BOT_FILTER, Reason.GEO_BLOCKED,
            Reason.INTERFERED,
        )
    )
}  # fmt: skip
if len(REASON_CODES) != len(Reason):
    raise TypeError(f"append to REASON_CODES: {sorted(set(Reason) - REASON_CODES.keys())}")
