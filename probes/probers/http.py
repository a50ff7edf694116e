"""HTTP prober: one request with its redirects, classification of the answer, and assertions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from probes.ai import classify
from probes.ai.classify import Classified
from probes.ai.litellm_health import BILLED, is_health
from probes.ai.models.parser import is_models_list
from probes.ai.offers.forms import FORMS, offer_facts, tells_offers
from probes.ai.rate_limits import RETRY_AFTER_MOST_S
from probes.assertions.answer import AnswerView
from probes.assertions.json_path import JsonPath
from probes.assertions.kinds import judge, worst
from probes.assertions.redaction import spellings
from probes.net.failures import Failure
from probes.net.http_messages import Response
from probes.net.stream import UnverifiedCertificate
from probes.net.tls.options import Certificate
from probes.prober import PAUSE, RETRY_AFTER, AssertionOutcome, Observation, ProbeContext, Prober, printable
from probes.probers.hops import FollowedAnswer, ask
from probes.probers.interference import interfered
from probes.reasons import Reason, Status
from probes.specs.credentials import has_credential
from probes.specs.http import HttpSpec, validate, validate_secrets
from probes.wire import Fact

#: Versions of HTTP that are told of, beside the usual one.
_OTHER_VERSIONS = {"1.0": 1.0, "2": 2.0}


async def probe(spec: HttpSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Send the request, follow redirects, and judge the last answer."""
    try:
        asked = await ask(spec, secrets, context, _enough(spec, context) if spec.assertions else None)
    except (OSError, Failure) as error:
        seen = await interfered(error, spec.url, context)
        if seen is not None:
            return seen
        if isinstance(error, UnverifiedCertificate):
            return _unverified(error, context)
        raise
    answer = asked.answer
    # It matters where the request is refused.
    credential = answer.code < 400 or has_credential(secrets, spec.headers, spec.url)
    expected = answer.code in spec.codes_expected()
    if spec.provider and context.models is not None:
        _note_models(spec, answer, context)
    read = classify.classify(
        classify.ReceivedAnswer(spec.provider, answer.code, answer.headers, answer.body, expected, credential),
        context.now_s,
    )
    phases = context.trace.phases()
    status, reason, detail = read.status, read.reason, read.detail
    if reason is Reason.UNEXPECTED_STATUS:
        detail = f"{detail}, expected {', '.join(spec.expected_status)}"
    outcomes: tuple[AssertionOutcome, ...] = ()
    if spec.assertions and (status is Status.UP or context.explain):
        outcomes = judge(spec.assertions, _view(asked, phases.total_us, secrets, context))
        failed = worst(outcomes)
        if failed is not None and status is Status.UP:
            status, reason, detail = failed.status, failed.reason, failed.detail
    facts = _facts(asked, context)
    if read.facts or read.retry_after_s:
        facts |= _read_facts(read)
    if spec.provider in FORMS and answer.code == 200 and not answer.truncated:
        facts |= _offers(spec, answer.body)
    if status is Status.UP and (asked.flaws or answer.certificate is not None):
        status, reason, detail = _flawed(asked, spec.verify_tls)
    if not spec.billing_acknowledged and is_health(answer.body):
        facts[PAUSE] = printable(BILLED)
    shown = outcomes if context.explain else ()
    return Observation(status, reason, phases, answer.code, printable(detail), facts, shown)


def _note_models(spec: HttpSpec, answer: Response, context: ProbeContext) -> None:
    """Give a models list to who tells it; that of a trial is of no monitor."""
    assert context.models is not None
    if answer.code == 200 and not answer.truncated and not context.explain and is_models_list(spec.url):
        now_ms = int(context.now_s * 1000)
        context.models.note(context.monitor, context.revision, spec.provider, answer.body, now_ms)


def _flawed(asked: FollowedAnswer, verified: bool) -> tuple[Status, Reason, str]:
    """An answer with a flaw of form is well, unless some clients refuse to read it."""
    certificate = asked.answer.certificate
    if verified and certificate is not None and not certificate.names:
        return Status.DEGRADED, Reason.CERTIFICATE_INVALID, COMMON_NAME_ONLY
    disputed = next((flaw for flaw in asked.flaws if flaw.disputed), None)
    if disputed is None:
        return Status.UP, Reason.OK, ""
    detail = f"answered {asked.answer.code}, but some clients refuse it: {disputed.words}"
    return Status.DEGRADED, Reason.PROTOCOL_ERROR, detail


def _view(asked: FollowedAnswer, total_us: int, secrets: Mapping[str, str], context: ProbeContext) -> AnswerView:
    answer = asked.answer
    return AnswerView(
        total_us,
        context.now_s,
        answer.code,
        answer.headers,
        answer.body,
        answer.truncated,
        answer.certificate,
        spellings(secrets) if secrets else (),
        asked.soonest,
        asked.soonest_of if asked.redirects else "",
        answer.undecoded,
    )


def _enough(spec: HttpSpec, context: ProbeContext) -> Callable[[bytes | bytearray], bool] | None:
    """Whether what has come of an endless body settles the assertions on it; None where none reads the body."""
    reading = tuple(each for each in spec.assertions if each.reads_body())
    if not reading:
        return None

    def settled(body: bytes | bytearray) -> bool:
        return worst(judge(reading, AnswerView(0, context.now_s, 0, (), bytes(body), True))) is None

    return settled


def _facts(asked: FollowedAnswer, context: ProbeContext) -> dict[str, Fact]:
    answer = asked.answer
    facts: dict[str, Fact] = {"address": context.trace.address, "body_bytes": len(answer.body)}
    if asked.redirects:
        facts["redirects"] = asked.redirects
    if answer.truncated:
        facts["stream" if answer.stream else "truncated"] = True
    if asked.flaws:
        facts["flaws"] = printable("; ".join(dict.fromkeys(flaw.words for flaw in asked.flaws)))
    if answer.version in _OTHER_VERSIONS:
        facts["http_version"] = _OTHER_VERSIONS[answer.version]
    if answer.tls:
        facts["tls"] = answer.tls
    if asked.soonest is not None:
        facts |= certificate_facts(asked.soonest, context.now_s)
    return facts


def _offers(spec: HttpSpec, body: bytes) -> dict[str, Fact]:
    """What a gateway tells of the providers of a model: of the one in the path, else of the one that is expected."""
    if not tells_offers(spec.provider, spec.url):
        return {}
    expected = (each for each in spec.assertions if isinstance(each, JsonPath) and each.reason is Reason.MODEL_MISSING)
    model = next((each.contains for each in expected if isinstance(each.contains, str)), "")
    return offer_facts(spec.provider, model, body)


def _read_facts(read: Classified) -> dict[str, Fact]:
    wait_s = min(read.retry_after_s, RETRY_AFTER_MOST_S)
    return {**read.facts, RETRY_AFTER: wait_s} if wait_s > 0 else read.facts


#: curl takes such a certificate, and browsers do not.
COMMON_NAME_ONLY = (
    "the certificate names its host in the common name only, which browsers refuse: reissue it with a subjectAltName"
)


def certificate_facts(certificate: Certificate, now_s: float) -> dict[str, Fact]:
    return {
        "certificate_days": certificate.days_left(now_s),
        "certificate_expires_s": certificate.expires_s,
        "certificate_subject": printable(certificate.subject),
        "certificate_issuer": printable(certificate.issuer),
    }


def _unverified(error: UnverifiedCertificate, context: ProbeContext) -> Observation:
    facts: dict[str, Fact] = {"address": context.trace.address}
    if error.certificate is not None:
        facts |= certificate_facts(error.certificate, context.now_s)
    return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)


PROBER = Prober(HttpSpec, validate, validate_secrets, probe)
