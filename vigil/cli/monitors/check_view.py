"""View of one check, for people and scripts: phases as bars, certificates, assertions, the alert that would follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from probes.assertions.redaction import masked
from probes.net.trace import Keepsake
from probes.prober import Observation
from probes.reasons import Reason, Status
from probes.wire import CANARY_KIND, Phases
from vigil.alerts.wording.foretold import alert_of
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.cli.monitors import check_certificates

_BAR = 30
_PHASES = (("dns", "dns_us"), ("connect", "connect_us"), ("tls", "tls_us"), ("first byte", "first_byte_us"))
#: Headers of one answer that are shown, and of each the first characters.
_HEADERS_MOST, _HEADER_CHARACTERS = 20, 90


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what was seen of `target`, what was kept of it, when (seconds), and what may be said beside it."""

    target: str
    seen: Observation
    now_s: float = 0.0
    kept: Keepsake = field(default_factory=Keepsake)
    hidden: Sequence[str] = ()
    warnings: Sequence[str] = ()
    kind: str = ""


def as_json(look: Look) -> dict[str, Any]:
    """Everything, for scripts."""
    seen = look.seen
    return {
        "url": look.target,
        **msgspec.to_builtins(seen),
        "phases": msgspec.structs.asdict(seen.phases),
        "assertions": [dataclasses.asdict(outcome) for outcome in seen.outcomes],
        "tls": look.kept.tls,
        "certificates": check_certificates.spelled(look.kept.chain, look.now_s),
        "headers": [list(header) for header in _headers(look)],
        "redirects": [masked(hop, look.hidden) for hop in look.kept.hops],
        "alert": alert_of(seen.status, seen.reason),
        "warnings": list(look.warnings),
    }


def render(look: Look) -> str:
    """The same for people: a headline, then block by block what there is to see."""
    seen = look.seen
    code = f" {seen.code}" if seen.code else ""
    detail = f": {seen.detail}" if seen.detail else ""
    headline = [f"{seen.status.upper()}  {look.target}", f"  {seen.reason}{code}{detail}"]
    headline += [f"  redirected by {masked(hop, look.hidden)}" for hop in look.kept.hops]
    blocks = [headline, _bars(seen.phases), _outcomes(seen), _facts(seen), _answer(look), _tls(look)]
    blocks.append([f"  warning: {warning}" for warning in look.warnings])
    blocks.append([f"  {line}" for line in consequence(seen.status, seen.reason, look.kind)])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def consequence(status: Status, reason: Reason, kind: str = "") -> list[str]:
    """What this would become in a monitor, in a few lines."""
    if kind == CANARY_KIND:
        answer = {Status.UP: "one good answer", Status.UNKNOWN: "no answer"}.get(status, "one bad answer")
        return [f"In a monitor: {answer} of the last ones, which are judged together."]
    alert = alert_of(status, reason)
    if alert is None:
        unknown = status is Status.UNKNOWN
        return ["In a monitor: no vote. This says nothing about the target." if unknown else "In a monitor: no alert."]
    article = "an" if alert["incident"][0] in "aeiou" else "a"
    return [
        f"In a monitor: {article} {alert['incident']} incident, {alert['when']}.",
        f"The alert would be {alert['severity']}: {reason_in_words(reason)}. {alert['meaning']}",
    ]


def _outcomes(seen: Observation) -> list[str]:
    lines = []
    for outcome in seen.outcomes:
        mark = "holds " if outcome.passed else "fails "
        found = "" if outcome.passed else f"; found {outcome.found}"
        gives = "" if outcome.passed else f" ({outcome.status}, {outcome.reason})"
        lines.append(f"  {mark} {outcome.expected}{found}{gives}")
    return lines


def _facts(seen: Observation) -> list[str]:
    # People read the days.
    told = {name: value for name, value in seen.facts.items() if name != "certificate_expires_s"}
    width = max((len(name) for name in told), default=0)
    return [f"  {name.replace('_', ' '):<{width}}  {value}" for name, value in told.items()]


def _headers(look: Look) -> list[tuple[str, str]]:
    return [
        (name[:60], masked("".join(c if c.isprintable() else " " for c in value), look.hidden)[:_HEADER_CHARACTERS])
        for name, value in look.kept.headers[:_HEADERS_MOST]
    ]


def _answer(look: Look) -> list[str]:
    shown = [f"  < {name}: {value}" for name, value in _headers(look)]
    more = len(look.kept.headers) - _HEADERS_MOST
    return [*shown, f"  < and {more} more headers"] if more > 0 else shown


def _tls(look: Look) -> list[str]:
    if not look.kept.chain:
        return []
    certificates = check_certificates.spelled(look.kept.chain, look.now_s)
    return [f"  {', '.join(look.kept.tls)}", *check_certificates.lines(certificates, len(look.kept.chain))]


def _bars(phases: Phases) -> list[str]:
    total = max(phases.total_us, 1)
    lines, begun = [], 0
    for label, phase in _PHASES:
        took = getattr(phases, phase)
        if took:
            lines.append(_bar(label, begun, took, total))
            begun += took
    rest = phases.total_us - begun
    if lines and rest * _BAR >= total:
        lines.append(_bar("rest", begun, rest, total))
    return [*lines, f"  {'total':<10} {' ' * _BAR} {phases.total_us / 1000:>9.1f} ms"]


def _bar(label: str, begun: int, took: int, total: int) -> str:
    start = min(_BAR - 1, begun * _BAR // total)
    length = min(max(1, round(took * _BAR / total)), _BAR - start)
    bar = " " * start + "━" * length
    return f"  {label:<10} {bar:<{_BAR}} {took / 1000:>9.1f} ms"
