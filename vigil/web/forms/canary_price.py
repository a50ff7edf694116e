"""Price of a canary in its form: shown before it is saved, and again when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from probes.wire import CANARY_KIND
from vigil.accounts.models import Team
from vigil.monitors.costs import canary_estimate
from vigil.monitors.drafts import draft_monitor
from vigil.monitors.models import Monitor

#: The hidden field with the price that the form has shown.
SHOWN = "price_shown"


class PriceNotShown(Exception):
    """What a form means costs money, and the form has not said how much. `price` does, in words."""

    def __init__(self, price: str) -> None:
        super().__init__(price)
        self.price = price


def require_shown_price(team: Team, wanted: Mapping[str, Any], sent: QueryDict, monitor: Monitor | None = None) -> None:
    """Raises PriceNotShown for a canary whose price the form has not shown yet, and `ValidationError` for one that
    would be refused anyway.

    One that is saved already and costs the same is not asked about again.
    """
    interval_s = wanted.get("interval_s") or (monitor.interval_s if monitor is not None else 0)
    if wanted["kind"] != CANARY_KIND or not interval_s:
        return
    found = canary_estimate(wanted["kind"], wanted["config"], interval_s)
    before = canary_estimate(monitor.kind, monitor.config, monitor.interval_s) if monitor is not None else None
    if found is None or sent.get(SHOWN) == found.text or (before is not None and before.text == found.text):
        return
    draft_monitor(team, {**wanted, "interval_s": interval_s})
    raise PriceNotShown(found.text)
