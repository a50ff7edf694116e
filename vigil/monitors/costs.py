"""Costs of monitors: warnings of health pages that spend money on every call, and estimates of canaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from probes.ai.billing import litellm_health_calls_per_day
from probes.ai.prices import AS_OF, NANOS, Price, dollars, expected_nanos, known_price, monthly_nanos, most_nanos
from probes.wire import CANARY_KIND

_LITELLM_PORT = 4000


def cost_warnings(config: Any, regions: int, interval_s: int, deployments: int = 1) -> list[str]:
    """Warning about LiteLLM's `/health`, which makes a real completion per deployment; empty for others."""
    url = config.get("url") if isinstance(config, Mapping) else None
    if not isinstance(url, str) or not _is_litellm(url, str(config.get("provider", ""))):
        return []
    calls = litellm_health_calls_per_day(url, deployments, regions, interval_s)
    if not calls:
        return []
    return [
        f"Unless LiteLLM has background_health_checks on, this makes {calls:,} real completions a day"
        f" for {'every deployment' if deployments == 1 else f'{deployments} deployments'} behind the proxy."
    ]


def refusal_estimate(config: Mapping[str, Any], interval_s: int) -> str:
    """Estimated cost of a refused monitor; empty if unknown."""
    url = str(config.get("url", ""))
    if config.get("billing_acknowledged") or not _is_litellm(url, str(config.get("provider", ""))):
        return ""
    calls = litellm_health_calls_per_day(url, 1, 1, interval_s)
    return (
        f" (every {interval_s} s: {calls:,} completions a day for each deployment, from each region)" if calls else ""
    )


def _is_litellm(url: str, provider: str) -> bool:
    try:
        return provider.startswith("litellm") or urlsplit(url).port == _LITELLM_PORT
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class CanaryEstimate:
    """Costs in billionths of a US dollar: of one answer, of 30 days of them, and where it stops each month."""

    price: Price
    answer: int
    answer_most: int
    month: int
    budget: int
    interval_s: int
    #: The user gave a price that is less than the known one; the budget then holds by theirs.
    is_below_known: bool = False

    @property
    def text(self) -> str:
        """The estimate in one line for people."""
        source = f"by prices of {self.price.as_of}" if self.price.as_of else "by the prices given"
        if self.is_below_known:
            source += f", which are below those of {AS_OF}"
        words = f"About {dollars(self.month)} a month ({dollars(self.answer)} an answer, {source})"
        if self.month <= self.budget:
            return f"{words}; it stops at {dollars(self.budget)}."
        days = 30 * self.budget // self.month
        after = f"about {days} days" if days > 1 else "a day or less"
        return f"{words}; it stops at {dollars(self.budget)}, after {after} of each month."


def canary_estimate(kind: str, config: Any, interval_s: int) -> CanaryEstimate | None:
    """What a canary costs; None for other kinds, and for a configuration without a known price."""
    if kind != CANARY_KIND or not isinstance(config, Mapping):
        return None
    # Imported late: most processes never write a monitor, and the probers load slowly.
    from probes.net.targets import BadTarget, parse_url
    from probes.probers import SpecError, read_spec
    from probes.specs.canary import CanarySpec, price_of, tokens_of

    try:
        spec = read_spec(kind, config)
        if not isinstance(spec, CanarySpec):
            return None
        price, tokens = price_of(spec), tokens_of(spec)
        known = known_price(parse_url(spec.url).host, spec.model)
    except (SpecError, BadTarget):
        return None
    if price is None:
        return None
    return CanaryEstimate(
        price,
        expected_nanos(price, tokens),
        most_nanos(price, tokens),
        monthly_nanos(price, tokens, interval_s),
        round(spec.monthly_budget * NANOS),
        interval_s,
        known is not None and (price.input < known.input or price.output < known.output),
    )


def canary_problem(spec: msgspec.Struct, interval_s: int) -> tuple[str, str] | None:
    """The field of a valid canary whose money does not add up, and why in words; None where it does.

    A price that is not known is asked for, and never taken to be nothing.
    """
    from probes.specs.canary import CanarySpec

    if not isinstance(spec, CanarySpec):
        return None
    found = canary_estimate(CANARY_KIND, msgspec.to_builtins(spec), interval_s)
    if found is None:
        problem = (
            f"is required with `output_price`: the price of {spec.model} at this address is not known here. Give both"
            " in US dollars for a million tokens, 0 for a model that costs you nothing"
        )
        return "input_price", problem
    if found.answer_most > found.budget:
        return "monthly_budget", f"is less than one answer may cost, {dollars(found.answer_most)}"
    return None
