"""Alert vocabulary: reasons, the meaning of each incident kind, and what to check first. Pure tables."""

from __future__ import annotations

from probes.reasons import Reason
from vigil.alerts.wording.templates import TEMPLATES, Template
from vigil.incidents.core.foretold import FORETOLD

#: Meaning of an outage whose failing votes are of one failure domain, or of one region.
ONE_DOMAIN = (
    "Most voting regions agree, but all that see it fail share one failure domain: its network may be at fault."
)
ONE_REGION = "One region sees it fail, and no other confirms it: that region's network may be at fault."

#: Kinds whose template is more specific than the failure reason.
_TOLD_BY_KIND = frozenset(TEMPLATES) - {"outage", "degraded", "account"}

#: Meaning of a refusal, more specific than its kind.
REASON_MEANINGS = {
    Reason.AUTH: "This is not an outage: the key was rejected.",
    Reason.QUOTA: "This is not an outage: the quota or credit is used up.",
    Reason.CONFIG: "This is not an outage: the request is not valid.",
    Reason.BOT_FILTER: "A bot filter turned the checks away, so the state of the service behind it is unknown.",
}

#: First check by reason, more specific than the kind.
REASON_LOOKS = {
    Reason.DNS_ERROR: "Check the name's DNS records and delegation, and whether the domain has expired.",
    Reason.REFUSED: "Check that the process runs and listens on that port.",
    Reason.RESET: "Check what closes connections: a crash, a proxy or a firewall.",
    Reason.UNREACHABLE: "Check the network: routes, firewall, and whether the machine is on.",
    Reason.TIMEOUT: "Check its load and its dependencies. A firewall that drops packets looks the same.",
    Reason.TLS_ERROR: "Check the TLS settings of the server or proxy that terminates TLS.",
    Reason.CERTIFICATE_EXPIRED: "Renew the certificate, and check its automatic renewal.",
    Reason.CERTIFICATE_EXPIRING: "Renew the certificate before it expires, and check its automatic renewal.",
    Reason.CERTIFICATE_INVALID: "Check the certificate: its names, its chain and its issuer.",
    Reason.DOMAIN_EXPIRING: "Renew the domain at its registrar, and check its automatic renewal and means of payment.",
    Reason.DOMAIN_EXPIRED: "Renew or restore the domain at its registrar at once: after a while anyone may take it.",
    Reason.BAD_REDIRECT: "Check the redirect: its Location leads where no client can follow.",
    Reason.PROTOCOL_ERROR: "Check what listens on that port: it does not speak the expected protocol.",
    Reason.HTTP_4XX: "Check the address and the request: the server refuses them.",
    Reason.HTTP_5XX: "Check the service's logs and its last deployment.",
    Reason.BODY_MISMATCH: "Check its answer: it may be a wrong page or an error page.",
    Reason.MODEL_MISSING: "Check whether the model was renamed or withdrawn, or this key has no access.",
    Reason.MODEL_NOT_LOADED: "Check the inference server: load the model.",
    Reason.LOADING: "Check the inference server: it is still loading the model.",
    Reason.OVERLOADED: "Check the provider's status page, and use the fallback until it accepts requests again.",
    Reason.BUSY: "Check its queue: it accepts no more work for now.",
    Reason.STALLED: "Check the inference server: it accepts requests but does not finish them.",
    Reason.SLOW: "Check its load and its latency.",
    Reason.AUTH: "Check the key: it may be revoked, expired, or of another project.",
    Reason.QUOTA: "Check the account's billing and limits.",
    Reason.RATE_LIMITED: "Check the limits of this key, and who else uses it.",
    Reason.CONFIG: "Check the monitor's request: its address, model and headers.",
    Reason.BOT_FILTER: "Let the checks through the bot filter, by their address or a secret header.",
}

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
    Reason.DOMAIN_EXPIRING: "domain registration ends soon",
    Reason.DOMAIN_EXPIRED: "domain registration has ended",
    Reason.BAD_REDIRECT: "redirected where no client can follow",
    Reason.PROTOCOL_ERROR: "the answer breaks the rules of its protocol",
    Reason.HTTP_4XX: "answered with a client error",
    Reason.HTTP_5XX: "answered with a server error",
    Reason.UNEXPECTED_STATUS: "answered with an unexpected status",
    Reason.BODY_MISMATCH: "answer lacks the expected text",
    Reason.MODEL_MISSING: "the model does not exist",
    Reason.MODEL_NOT_LOADED: "the model is not loaded",
    Reason.AUTH: "the key was rejected",
    Reason.QUOTA: "the quota is used up",
    Reason.CONFIG: "the request is not valid",
    Reason.BOT_FILTER: "a bot filter turned the check away",
    Reason.GEO_BLOCKED: "the country of the region is not served",
    Reason.INTERFERED: "a network in between keeps the region out",
    Reason.RATE_LIMITED: "rate limited",
    Reason.OVERLOADED: "overloaded",
    Reason.SLOW: "slow",
}

EXCLUSIONS = {
    "dark": "it sends no status",
    "sick": "it sees failures everywhere, so its own network is the likely cause",
    "anchors": "it cannot reach its anchors",
    "lost_way": "it lost its way together with other regions",
    "clock_skew": "its clock is wrong",
    "config_stale": "it had old configuration",
    "no_answer": "it did not answer in time",
    "missed": "it started the check too late",
    "blocked": "its rules forbid this target",
    "probe_error": "it could not run the check",
    "geo_blocked": "its country is not served there",
    "interfered": "a network in between keeps it out",
    "shadow": "it is new, and does not vote yet",
}


#: Template of a job's incident by its failure; any other failure is what the job itself reported.
_JOB_TEMPLATES = {Reason.MISSED.value: "heartbeat", Reason.OVERDUE.value: "heartbeat_overran"}


def foretold_template(kind: str, cause: str) -> str:
    """Name of the template of an incident that no quorum has seen; empty for any other."""
    if not cause.startswith(FORETOLD):
        return ""
    return "headroom" if kind == "degraded" else "kept_out"


def job_template(failure: str) -> str:
    """Name of the template of a job's incident."""
    return _JOB_TEMPLATES.get(failure, "heartbeat_failed")


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
