"""Alert vocabulary: reasons, the meaning of each incident kind, and what to check first. Pure tables."""

from __future__ import annotations

from dataclasses import dataclass

from probes.reasons import Reason


@dataclass(frozen=True, slots=True)
class Template:
    """Template of one incident kind: headline word, meaning, first check; `since` precedes the start time."""

    word: str
    meaning: str
    look: str
    since: str = "First seen failing at"


#: One template per kind; other kinds use their own name.
TEMPLATES = {
    "outage": Template(
        "DOWN",
        "Most regions that can see agree, so this is not one region's network.",
        "Look at the service itself and at what changed last: a deployment, its certificate, its DNS.",
    ),
    "degraded": Template(
        "DEGRADED",
        "It answers, but not well, in most regions that can see.",
        "Look at its load, at what it depends on and at its latency in the dashboard.",
    ),
    "account": Template(
        "ACCOUNT",
        "The request was turned away: not an outage. The provider answers; it is our account that it refuses.",
        "Look at the account that this key belongs to, not at the service.",
    ),
    "regional": Template(
        "REGIONAL",
        "Most regions see it well. The trouble is in one part of the world or in that region's network.",
        "Look at who is served from there; nothing needs to be done for the others.",
    ),
    "blind": Template(
        "BLIND",
        "Too few regions can see to say how it is. Nothing is known to be broken.",
        "Look at the regions: their workers, their network and their clocks.",
        since="Since",
    ),
    "heartbeat": Template(
        "MISSING",
        "The job itself, its machine or its scheduler may be broken: Vigil only waits for its call.",
        "Look at the job: its scheduler, its last log lines and the machine that it runs on.",
        since="Overdue since",
    ),
    "slo": Template(
        "BUDGET",
        "Nothing new broke: what is down, or was, uses up the error budget faster than the objective allows.",
        "Look at what was down most in the objective's window, and at what can wait until the budget has recovered.",
        since="Too fast since",
    ),
    "composite": Template(
        "DOWN TOGETHER",
        "What these monitors stand for together is not served any more.",
        "Look at the members that are down, the first one first.",
    ),
    "provider": Template(
        "PROVIDER",
        "Several monitors of one provider fail together, so the provider is the likely cause.",
        "Look at the provider's own status page, and at whether a fallback serves.",
    ),
    "fallback": Template(
        "ON FALLBACK",
        "Part of what these monitors stand for together is lost, and the rest serves in its place.",
        "Look at the members that are down, before another one is.",
    ),
    "provider_degraded": Template(
        "PROVIDER SLOW",
        "Several monitors of one provider answer badly together, so the provider is the likely cause.",
        "Look at the provider's own status page, and at how long your callers can wait.",
    ),
    "unproven": Template(
        "CHANNEL UNPROVEN",
        "A synthetic incident did not get through this channel, so real ones may not either.",
        "Look at the channel's settings and send a test.",
        since="Not accepted since",
    ),
    "self_test": Template(
        "SELF-TEST",
        "Nothing is wrong. Vigil proves from time to time that its alerts get through this channel.",
        "Nothing needs to be done.",
        since="Begun at",
    ),
    "channel": Template(
        "CHANNEL OFF",
        "Alerts no longer go to this channel, because it refused them for good several times in a row.",
        "Look at the channel's settings, send a test, and switch it on again.",
        since="First refused at",
    ),
}

#: Kinds whose template is more specific than the failure reason.
_TOLD_BY_KIND = frozenset(TEMPLATES) - {"outage", "degraded", "account"}

#: Meaning of a refusal, more specific than its kind.
REASON_MEANINGS = {
    Reason.AUTH: "The key was rejected: not an outage.",
    Reason.QUOTA: "The quota or the credit is used up: not an outage.",
    Reason.CONFIG: "The request was refused as wrong: not an outage.",
}

#: First check by reason, more specific than the kind.
REASON_LOOKS = {
    Reason.DNS_ERROR: "Look at the name's DNS records, its delegation and whether the domain has lapsed.",
    Reason.REFUSED: "Look whether the process runs and listens on that port.",
    Reason.RESET: "Look at what cuts connections: a crash, a proxy or a firewall in front of it.",
    Reason.UNREACHABLE: "Look at the network: routes, firewall, and whether the machine is on.",
    Reason.TIMEOUT: "Look at its load and at what it waits for; a firewall that drops packets looks the same.",
    Reason.TLS_ERROR: "Look at the TLS settings of whatever ends TLS in front of it.",
    Reason.CERTIFICATE_EXPIRED: "Renew the certificate; whatever renews it has stopped doing so.",
    Reason.CERTIFICATE_EXPIRING: "Renew the certificate before it expires; whatever renews it may have stopped.",
    Reason.CERTIFICATE_INVALID: "Look at the certificate: the names in it, its chain and who signed it.",
    Reason.PROTOCOL_ERROR: "Look at what answers on that port; it does not speak the protocol that was expected.",
    Reason.HTTP_4XX: "Look at the address and the request: the server answers and refuses them.",
    Reason.HTTP_5XX: "Look at the service's own logs and its last deployment.",
    Reason.BODY_MISMATCH: "Look at what it answers; a wrong page or an error page is being served.",
    Reason.MODEL_MISSING: "Look whether the model was renamed, withdrawn or never granted to this key.",
    Reason.MODEL_NOT_LOADED: "Look at the inference server: the model has to be loaded.",
    Reason.LOADING: "Look at the inference server: it is still loading the model.",
    Reason.OVERLOADED: "Look at the provider's status page; use the fallback until it takes requests again.",
    Reason.BUSY: "Look at its queue: it takes no more work for now.",
    Reason.STALLED: "Look at the inference server: it accepts requests and does not finish them.",
    Reason.SLOW: "Look at its load and at its latency in the dashboard.",
    Reason.AUTH: "Look at the key: revoked, expired, or of another project.",
    Reason.QUOTA: "Look at the account's billing and limits.",
    Reason.RATE_LIMITED: "Look at who else uses this key, and at its limits.",
    Reason.CONFIG: "Look at the monitor's request: its address, model and headers.",
}

#: Reasons in plain words.
REASON_WORDS = {
    Reason.OK: "answered normally",
    Reason.DNS_ERROR: "the name could not be resolved",
    Reason.REFUSED: "connection refused",
    Reason.RESET: "connection reset",
    Reason.UNREACHABLE: "network unreachable",
    Reason.TIMEOUT: "timed out",
    Reason.TLS_ERROR: "TLS handshake failed",
    Reason.CERTIFICATE_EXPIRED: "certificate expired",
    Reason.CERTIFICATE_EXPIRING: "certificate about to expire",
    Reason.CERTIFICATE_INVALID: "certificate not valid",
    Reason.PROTOCOL_ERROR: "answer was not valid HTTP",
    Reason.HTTP_4XX: "answered with a client error",
    Reason.HTTP_5XX: "answered with a server error",
    Reason.UNEXPECTED_STATUS: "answered with an unexpected status",
    Reason.BODY_MISMATCH: "answer lacks the expected text",
    Reason.MODEL_MISSING: "the model is not there",
    Reason.MODEL_NOT_LOADED: "the model is not loaded",
    Reason.AUTH: "the key was rejected",
    Reason.QUOTA: "the quota is used up",
    Reason.CONFIG: "the request was refused as wrong",
    Reason.RATE_LIMITED: "rate limited",
    Reason.OVERLOADED: "overloaded",
    Reason.SLOW: "slow",
}

#: Why a region had no vote.
EXCLUSIONS = {
    "dark": "no sign of life",
    "sick": "it sees trouble everywhere, so the trouble is its own",
    "anchors": "it cannot reach what its operator knows to be there",
    "clock_skew": "its clock is wrong",
    "config_stale": "it had old configuration",
    "no_answer": "it did not answer in time",
    "missed": "it was too late to look",
    "blocked": "it may not look there",
    "probe_error": "it could not look",
}


def template_of(kind: str) -> Template:
    """Template of an incident kind; others use their own name."""
    return TEMPLATES.get(kind) or Template(kind.replace("_", " ").upper(), "", "")


def reason_in_words(reason: str) -> str:
    """A reason in plain words; one without a phrase reads as its name."""
    return REASON_WORDS.get(Reason(reason), reason.replace("_", " ")) if reason in set(Reason) else reason


def meaning_of(kind: str, failure: str) -> str:
    """Meaning of an incident, by its kind; of account problems by their reason."""
    if kind == "account" and failure in set(Reason):
        return REASON_MEANINGS.get(Reason(failure), template_of(kind).meaning)
    return template_of(kind).meaning


def look_of(kind: str, failure: str) -> str:
    """What to check first."""
    if kind not in _TOLD_BY_KIND and failure in set(Reason):
        return REASON_LOOKS.get(Reason(failure), template_of(kind).look)
    return template_of(kind).look
