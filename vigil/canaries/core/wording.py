"""Wording of canaries: what one costs, why it has stopped, and what was wrong with its answers. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Sequence

from probes.ai.prices import dollars
from vigil.canaries.core.window import CanaryAnswer, WindowRule

_SHOWN_MOST = 5


def month_name(month: str) -> str:
    """The name of a month like `2026-11`."""
    return calendar.month_name[int(month[5:7])]


def stopped_text(budget: int, month: str) -> str:
    """Why a canary asks nothing more, and until when."""
    return f"stopped: budget of {dollars(budget)} for {month_name(month)} spent"


def unpriced_text() -> str:
    """Why a canary asks nothing whose price was known once, and is no longer."""
    return "stopped: the price of its model is not known any more, so give `input_price` and `output_price`"


def bad_answers_text(window: Sequence[CanaryAnswer], rule: WindowRule) -> str:
    """The bad answers of a window, in words."""
    bad = [one for one in window if one.bad]
    named = "; ".join(
        f"{one.detail or one.reason.value.replace('_', ' ')} ({one.region})" for one in bad[-_SHOWN_MOST:]
    )
    return f"{len(bad)} of the last {len(window)} answers were bad, and {rule.bad_answers} degrade it: {named}."


def window_words(window: Sequence[CanaryAnswer], rule: WindowRule) -> str:
    """What a window says, in one sentence."""
    bad = [one for one in window if one.bad]
    if not window:
        return f"No answer counts yet: {rule.bad_answers} bad ones of the last {rule.of_answers} degrade it."
    asked = "1 answer was" if len(window) == 1 else f"the last {len(window)} answers were"
    alone = len(bad) >= rule.bad_answers and len({one.region for one in bad}) == 1
    where = ", all of one region" if alone else ""
    return f"{len(bad)} of {asked} bad{where}; {rule.bad_answers} of {rule.of_answers} degrade it."
