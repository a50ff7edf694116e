"""Domain prober: days until a domain's registration ends, from the RDAP server of its registry (RFC 9082, RFC 9083).

A registry that does not answer says nothing of the domain: such a check is unknown and has no vote.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import Latency
from probes.net.failures import Blocked, Failure
from probes.net.http.location import follow
from probes.net.http1 import exchange
from probes.net.http_messages import Request, Response
from probes.net.targets import BadTarget, Target, parse_host, parse_url
from probes.prober import RETRY_AFTER, Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.registries import SETTING, server_of
from probes.specs.endpoint import PASSED, Finding, judged, validate_endpoint, validate_host
from probes.wire import Fact

#: Registries count requests for each address, so none is asked more often (seconds).
LEAST_INTERVAL_S = 3_600
_DAY_S = 86_400
_BODY_LIMIT = 262_144
_REDIRECTS_MOST = 3
#: Names asked for, from the given one upwards: `www.example.com`, then `example.com`.
_NAMES_MOST = 4
_HEADERS = (("Accept", "application/rdap+json, application/json"),)
_NOT_FOUND = 404
#: Statuses of RFC 8056 under which a domain is about to be lost, or is taken out of the DNS.
_LOST = ("redemption period", "pending delete")
_HELD = ("server hold", "client hold")


class DomainSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask when the registration of `domain` ends. Below `degraded_days` it is degraded, below `down_days` down.

    `server` is the base address of an RDAP server, for registries that IANA's list leaves out. It takes no secret.
    """

    domain: str
    degraded_days: int = 30
    down_days: int = 7
    server: str = ""
    assertions: tuple[Latency, ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registry says of a domain; `ends_s` (Unix seconds) is None where it does not tell."""

    name: str
    ends_s: float | None
    statuses: tuple[str, ...] = ()
    registrar: str = ""


def validate(spec: DomainSpec) -> None:
    validate_host("domain", spec.domain)
    name, literal = parse_host(spec.domain)
    if literal or "." not in name:
        raise SpecError("domain", "is a registered name, like example.com")
    if not 0 <= spec.down_days <= spec.degraded_days <= 3650:
        raise SpecError("degraded_days", "0 <= `down_days` <= `degraded_days` <= 3650")
    if spec.server:
        try:
            parse_url(spec.server)
        except BadTarget as error:
            raise SpecError("server", str(error)) from None
    elif server_of(name) is None:
        tld = name.rpartition(".")[2]
        raise SpecError(
            "domain", f"IANA's list names no RDAP server for .{tld}: give its address as `server`, or renew {SETTING}"
        )
    validate_endpoint(name, 443, spec.assertions)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    if secrets:
        raise SpecError("secrets", "a domain monitor has none: registrations are public")


async def probe(spec: DomainSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Ask for the name, then for what it is a part of, until the registry knows one."""
    name = parse_host(spec.domain)[0]
    base = spec.server.rstrip("/") + "/" if spec.server else server_of(name)
    host = parse_url(base).host if base else f".{name.rpartition('.')[2]}"
    context.trace.at_deadline = lambda: _unknown(f"the registry's server {host} did not answer in time")
    if base is None:
        return _observed(context, _unknown(f"no RDAP server is known for {host}"), {})
    try:
        answer, asked = await _asked(base, name, context)
    except Blocked:
        raise
    except (Failure, OSError, ssl.SSLError) as error:
        return _observed(context, _unknown(f"the registry's server {host} cannot be read: {error}"), {})
    facts: dict[str, Fact] = {"address": context.trace.address, "registry": host}
    if answer.code == _NOT_FOUND:
        return _observed(context, (Status.DOWN, Reason.DOMAIN_EXPIRED, f"{name} is not registered"), facts, 404)
    found = registration(answer.body, asked) if answer.code == 200 and not answer.truncated else None
    if found is None:
        facts |= {RETRY_AFTER: LEAST_INTERVAL_S} if answer.code == 429 else {}
        said = f"the registry's server {host} answered {answer.code}: it says nothing of {name}"
        return _observed(context, _unknown(said), facts, answer.code)
    facts |= facts_of(found, context.now_s)
    view = AnswerView(context.trace.total_us(), context.now_s, code=answer.code)
    finding, outcomes = judged(judge(found, spec, context.now_s), spec.assertions, view, context.explain)
    status, reason, detail = finding
    return Observation(status, reason, context.trace.phases(), answer.code, printable(detail), facts, outcomes)


def judge(found: Registration, spec: DomainSpec, now_s: float) -> Finding:
    """The finding for a registration: lost or held first, then the days that are left."""
    lost = [status for status in found.statuses if status in _LOST]
    if lost:
        return Status.DOWN, Reason.DOMAIN_EXPIRED, f"{found.name} has ended: the registry says {lost[0]!r}"
    held = [status for status in found.statuses if status in _HELD]
    if held:
        words = f"{found.name} is taken out of the DNS: the registry says {held[0]!r}"
        return Status.DOWN, Reason.DOMAIN_EXPIRED, words
    if found.ends_s is None:
        return Status.DOWN, Reason.CONFIG, f"this registry does not tell when {found.name} ends"
    day = datetime.fromtimestamp(found.ends_s, UTC).date()
    if found.ends_s <= now_s:
        return Status.DOWN, Reason.DOMAIN_EXPIRED, f"the registration of {found.name} ended on {day}"
    days = math.floor((found.ends_s - now_s) / _DAY_S)
    for limit, status in ((spec.down_days, Status.DOWN), (spec.degraded_days, Status.DEGRADED)):
        if limit and days < limit:
            return status, Reason.DOMAIN_EXPIRING, f"the registration of {found.name} ends in {days} days, on {day}"
    return PASSED


def registration(body: bytes, asked: str) -> Registration | None:
    """What an RDAP answer says of the domain that was asked for; None where it is no such answer."""
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(read, dict) or str(read.get("objectClassName", "")).lower() != "domain":
        return None
    statuses = tuple(_words(each) for each in _list(read, "status") if isinstance(each, str))
    return Registration(asked, _ends_s(_list(read, "events")), statuses[:20], _registrar(_list(read, "entities")))


def facts_of(found: Registration, now_s: float) -> dict[str, Fact]:
    """Facts of a registration for people; texts of the registry are bounded and printable."""
    facts: dict[str, Fact] = {"domain": found.name}
    if found.ends_s is not None:
        facts["registration_days"] = math.floor((found.ends_s - now_s) / _DAY_S)
        facts["registration_ends"] = datetime.fromtimestamp(found.ends_s, UTC).date().isoformat()
    if found.registrar:
        facts["registrar"] = printable(found.registrar)
    if found.statuses:
        facts["domain_status"] = printable(", ".join(found.statuses))
    return facts


async def _asked(base: str, name: str, context: ProbeContext) -> tuple[Response, str]:
    """The first answer that is not 404, with the name it is about; else the last one."""
    labels = name.split(".")
    # Never the top-level domain alone.
    names = [".".join(labels[place:]) for place in range(len(labels) - 1)][-_NAMES_MOST:]
    for asked in names:
        answer = await _ask(parse_url(f"{base}domain/{asked}"), context)
        if answer.code != _NOT_FOUND:
            break
    return answer, asked


async def _ask(target: Target, context: ProbeContext) -> Response:
    """One answer, its redirects followed: some registries pass on to the registrar."""
    for _ in range(_REDIRECTS_MOST + 1):
        request = Request(target, headers=_HEADERS, body_limit=_BODY_LIMIT)
        answer = await exchange(request, context.dialer, context.trace)
        location = answer.header("location") if 301 <= answer.code <= 308 else None
        if location is None:
            break
        try:
            target = follow(target, location).target
        except BadTarget:
            break
    return answer


def _ends_s(events: Sequence[Any]) -> float | None:
    """The registry's own day before that of the registrar, which renews later."""
    found = {_words(str(each.get("eventAction"))): each.get("eventDate") for each in events if isinstance(each, dict)}
    for action in ("expiration", "registrar expiration"):
        moment = _moment_s(found.get(action))
        if moment is not None:
            return moment
    return None


def _moment_s(text: object) -> float | None:
    try:
        moment = datetime.fromisoformat(str(text).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _registrar(entities: Sequence[Any]) -> str:
    """The formatted name (`fn`) in the jCard of the entity with the role `registrar`."""
    for entity in entities:
        if isinstance(entity, dict) and "registrar" in _list(entity, "roles"):
            card = _list(entity, "vcardArray")
            for line in card[1] if len(card) == 2 and isinstance(card[1], list) else []:
                if isinstance(line, list) and len(line) >= 4 and line[0] == "fn" and isinstance(line[3], str):
                    return line[3]
    return ""


def _list(of: dict[str, Any], name: str) -> list[Any]:
    value = of.get(name)
    return value[:100] if isinstance(value, list) else []


def _words(text: str) -> str:
    """RDAP's words with blanks; some servers write EPP's own, such as `serverHold`."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in text[:60])
    return " ".join(spaced.lower().split()) if not text.isupper() else text.lower()


def _unknown(detail: str) -> Finding:
    return Status.UNKNOWN, Reason.SKIPPED, detail


def _observed(context: ProbeContext, finding: Finding, facts: dict[str, Fact], code: int = 0) -> Observation:
    status, reason, detail = finding
    return Observation(status, reason, context.trace.phases(), code, printable(detail), facts)


PROBER = Prober(DomainSpec, validate, validate_secrets, probe, LEAST_INTERVAL_S)
