"""Offers on a monitor's page: who serves its model through its gateway, the best one first, with a day of figures."""

from __future__ import annotations

from dataclasses import dataclass

from probes.ai.offers.forms import FORMS
from vigil.clock import database_now
from vigil.monitors.models import Monitor
from vigil.offers.core.change import dollars
from vigil.offers.core.ranking import RULE_WORDS, Fitness, RankedBy, best, in_words, ranked
from vigil.offers.core.series import values
from vigil.offers.models import MonitorOffers
from vigil.read_models.core.figures import NO_VALUE, milliseconds
from vigil.web.parts.sparklines import Sparkline, sparkline

_UNFIT = {
    Fitness.FIT: "",
    Fitness.UNKNOWN: "uptime not told",
    Fitness.LOW: "up less than 95 %",
    Fitness.NOT_NORMAL: "not in normal service",
}


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer in figures; `why_not` says why it cannot be the best."""

    name: str
    is_best: bool
    why_not: str
    uptime: str
    uptimes: Sparkline
    first_token: str
    first_tokens: Sparkline
    throughput: str
    price: str
    quantization: str
    context: str


@dataclass(frozen=True, slots=True)
class ShownOffers:
    """The panel of a monitor's page. `is_old`: what was read last is not how it is now."""

    row: MonitorOffers
    rule: str
    best: str
    is_old: bool
    lines: tuple[OfferLine, ...]


def offers_of_monitor(monitor: Monitor) -> ShownOffers | None:
    """The panel; None for a monitor of another kind, without a query, and before the first read."""
    if monitor.config.get("provider") not in FORMS:
        return None
    row = MonitorOffers.objects.filter(monitor=monitor).first()
    if row is None:
        return None
    offers = row.offers
    is_old = not row.are_of_now(database_now())
    first = None if is_old else best(offers)
    lines = tuple(
        OfferLine(
            name=one.offer.name or one.offer.tag,
            is_best=one.offer is first,
            why_not=_UNFIT[one.fitness],
            uptime=_percent(one.offer.uptime_30m if one.offer.uptime_30m is not None else one.offer.uptime_5m),
            uptimes=sparkline("Uptime of a day", " %", values(row.series, one.offer.tag, 0)),
            first_token=milliseconds(one.offer.latency_ms[0] if one.offer.latency_ms else None),
            first_tokens=sparkline("First token over a day", " ms", values(row.series, one.offer.tag, 1)),
            throughput=f"{one.offer.throughput[0]:.0f}" if one.offer.throughput else NO_VALUE,
            price=f"{dollars(one.offer.price_in)} / {dollars(one.offer.price_out)}" if one.offer.price_in else NO_VALUE,
            quantization=one.offer.quantization or NO_VALUE,
            context=f"{one.offer.context:,}" if one.offer.context else NO_VALUE,
        )
        for one in ranked(offers)
    )
    return ShownOffers(row, RULE_WORDS[RankedBy.PRICE], in_words(first) if first else "", is_old, lines)


def _percent(uptime: float | None) -> str:
    return NO_VALUE if uptime is None else f"{uptime:g} %"
