"""Alert rules on probes: how long a failure waits, and limits of certificates and durations. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from vigil.importers.core.prometheus.relabel import Labels, compiled
from vigil.importers.core.values import mapping, mappings, seconds, text

_SELECTOR = r"(?:\{(?P<labels>[^{}]{0,500})\})?"
_SUCCESS = re.compile(rf"probe_success\s*{_SELECTOR}\s*(?:==\s*(?:bool\s*)?0|!=\s*(?:bool\s*)?1|<\s*1)", re.S)
_EXPIRY = re.compile(
    rf"probe_ssl_earliest_cert_expiry\s*{_SELECTOR}\s*-\s*time\(\)\s*\)?(?:\s*/\s*(?P<per>[\d.]+))?"
    r"\s*<=?\s*(?P<limit>[\d.*\s]+)",
    re.S,
)  # fmt: skip
_DURATION = re.compile(rf"probe_duration_seconds\s*{_SELECTOR}\s*>=?\s*(?P<limit>[\d.]+)", re.S)
_MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|`([^`]*)`)")
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class ProbeRule:
    """One alert: `wait_s` of a failed probe (None for another alert), or a limit; of the targets that meet the
    `matchers`, each a label, an operator and a value."""

    matchers: tuple[tuple[str, str, str], ...]
    wait_s: float | None = None
    certificate_days: int = 0
    slow_ms: int = 0

    def is_about(self, labels: Labels) -> bool:
        return all(_meets(labels.get(name, ""), operator, value) for name, operator, value in self.matchers)


def rules_of(documents: list[Any]) -> tuple[list[ProbeRule], int]:
    """The rules about probes, and how many others there are."""
    found: list[ProbeRule] = []
    others = 0
    for document in documents:
        groups = mapping(document).get("groups") or mapping(mapping(document).get("spec")).get("groups")
        for group in mappings(groups):
            for rule in mappings(group.get("rules")):
                made = _rule(rule) if rule.get("alert") else None
                if made is not None:
                    found.append(made)
                else:
                    others += bool(rule.get("alert"))
    return found, others


def _rule(rule: dict[str, Any]) -> ProbeRule | None:
    expression = text(rule.get("expr"))
    success, expiry, duration = (each.search(expression) for each in (_SUCCESS, _EXPIRY, _DURATION))
    if success:
        return ProbeRule(_matchers(success["labels"]), wait_s=seconds(rule.get("for")) or 0)
    if expiry:
        limit = math.prod(float(each) for each in expiry["limit"].split("*") if _is_number(each))
        days = limit * float(expiry["per"] or 1) / _DAY_S
        return ProbeRule(_matchers(expiry["labels"]), certificate_days=min(max(round(days), 1), 3650))
    if duration and _is_number(duration["limit"]):
        return ProbeRule(_matchers(duration["labels"]), slow_ms=max(1, round(float(duration["limit"]) * 1000)))
    return None


def _matchers(selector: str | None) -> tuple[tuple[str, str, str], ...]:
    found = _MATCHER.findall(selector or "")
    # Within quotes a backslash stands before another one, or a quote.
    return tuple((name, operator, re.sub(r"\\(.)", r"\1", double or single) or raw)
                 for name, operator, double, single, raw in found)  # fmt: skip


def _meets(value: str, operator: str, wanted: str) -> bool:
    if operator in ("=", "!="):
        return (value == wanted) is (operator == "=")
    pattern = compiled(wanted)
    return pattern is not None and bool(pattern.fullmatch(value)) is (operator == "=~")


def _is_number(written: str) -> bool:
    try:
        float(written)
    except ValueError:
        return False
    return True
