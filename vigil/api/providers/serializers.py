"""Answers of the providers API: budgets with their lost time, and the table of detection leads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from vigil.api.base.serializers import ApiSerializer
from vigil.api.history.rows import uptime_row
from vigil.api.openapi.enums import REASONS
from vigil.feeds.core.detection_lead import LeadState, WhoWasFirst
from vigil.feeds.core.lead_table import ProviderLeads
from vigil.history.core.burn_rate import BurnPace
from vigil.history.core.minutes_lost import LossClass
from vigil.history.reading.minutes_lost import ProviderBudget
from vigil.incidents.models import DetectionLead
from vigil.monitors.core.providers import name_of
from vigil.read_models.core.lost_words import lost_in_words

LOSS_CLASSES = [(one.value, one.value) for one in LossClass]
LEAD_STATES = [(one.value, one.value) for one in LeadState]
FIRST_SIDES = [(one.value, one.value) for one in WhoWasFirst]
BURN_PACES = [(one.value, one.value) for one in BurnPace]


class BudgetObjectiveSerializer(ApiSerializer[Any]):
    """What the budget is held against; without an id it is the default of 99.9 % in 30 days."""

    id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    target_percent = serializers.FloatField()
    window_days = serializers.IntegerField()


class LostClassSerializer(ApiSerializer[Any]):
    """Lost time of one class: ours (key, quota, limits), theirs, the net's, or unknown."""

    loss = serializers.ChoiceField(choices=LOSS_CLASSES)
    seconds = serializers.IntegerField()
    percent = serializers.IntegerField(help_text="Of all lost time; the classes add up to 100.")
    availability = serializers.FloatField(
        allow_null=True, help_text="Part of the counted time that this class did not take, from 0 to 1."
    )


class LostReasonSerializer(ApiSerializer[Any]):
    loss = serializers.ChoiceField(choices=LOSS_CLASSES)
    reason = serializers.ChoiceField(choices=REASONS)
    seconds = serializers.IntegerField()
    percent = serializers.IntegerField(help_text="Of all lost time; the reasons add up to 100.")


class ProviderBudgetSerializer(ApiSerializer[Any]):
    """Error budget of a provider, or of one of its models, and the time lost: down, refused or degraded."""

    provider = serializers.CharField()
    name = serializers.CharField()
    model = serializers.CharField(help_text="Empty for the provider as a whole.")
    monitors = serializers.ListField(child=serializers.CharField())
    objective = BudgetObjectiveSerializer()
    uptime = serializers.FloatField(allow_null=True)
    allowed_s = serializers.IntegerField(help_text="Downtime that the objective allows.")
    spent_s = serializers.IntegerField()
    left = serializers.FloatField(help_text="Part of the budget that is left; negative when overspent.")
    burn_rates = serializers.DictField(child=serializers.FloatField(), help_text="By window, such as 3600s.")
    pace = serializers.ChoiceField(
        choices=BURN_PACES, allow_null=True, help_text="Null while it does not burn too fast."
    )
    counted_s = serializers.IntegerField(help_text="How long anything of it was watched.")
    lost_s = serializers.IntegerField(help_text="Each second once, however many monitors failed.")
    classes = LostClassSerializer(many=True)
    reasons = LostReasonSerializer(many=True)
    words = serializers.CharField()


class ProviderBudgetsSerializer(ApiSerializer[Any]):
    budgets = ProviderBudgetSerializer(many=True)


class LeadSerializer(ApiSerializer[Any]):
    """Our lead over the provider's first public word, in seconds; negative where its page was first."""

    state = serializers.ChoiceField(choices=LEAD_STATES, help_text="silent: its page was read and told nothing.")
    first = serializers.ChoiceField(choices=FIRST_SIDES, allow_null=True)
    least_s = serializers.IntegerField(allow_null=True, help_text="At least; null: it was there at the first read.")
    most_s = serializers.IntegerField(allow_null=True, help_text="At most.")
    claimed_s = serializers.IntegerField(allow_null=True, help_text="By the post's own time, where reads allow it.")
    is_backdated = serializers.BooleanField(help_text="Whether the post dates itself to when it was not there yet.")
    title = serializers.CharField(help_text="Of the post.")
    seen_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True, help_text="The post's own time.")
    words = serializers.CharField()

    def to_representation(self, instance: DetectionLead) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return {**shown, "first": shown["first"] or None}


class ProviderLeadsSerializer(ApiSerializer[Any]):
    """One provider's year. Leads in seconds, at least, negative where its page was first."""

    provider = serializers.CharField()
    name = serializers.CharField()
    outages = serializers.IntegerField()
    us = serializers.IntegerField(help_text="How often we were first.")
    them = serializers.IntegerField()
    unclear = serializers.IntegerField()
    missed_by_them = serializers.IntegerField(help_text="Outages on which its page was silent.")
    missed_by_us = serializers.IntegerField(help_text="Posts without an outage of ours.")
    unknown = serializers.IntegerField(help_text="Outages for which its page was not read, or may still tell.")
    median_s = serializers.IntegerField(allow_null=True)
    best_s = serializers.IntegerField(allow_null=True)
    worst_s = serializers.IntegerField(allow_null=True)


class LeadTableSerializer(ApiSerializer[Any]):
    year = serializers.IntegerField()
    providers = ProviderLeadsSerializer(many=True)


def budget_row(one: ProviderBudget) -> dict[str, Any]:
    """A budget as `ProviderBudgetSerializer` describes it."""
    status, lost, percents = one.status, one.lost, one.lost.percents()
    return {
        "provider": one.provider,
        "name": name_of(one.provider),
        "model": one.model,
        "monitors": [monitor.public_id for monitor in one.monitors],
        "objective": {
            "id": one.objective.public_id or None,
            "name": one.objective.name or "default",
            "target_percent": one.objective.target_percent,
            "window_days": one.objective.window_days,
        },
        "uptime": uptime_row(status.uptime)["uptime"],
        "allowed_s": round(status.budget.allowed_s),
        "spent_s": status.budget.spent_s,
        "left": round(status.budget.left, 4),
        "burn_rates": {f"{length}s": round(rate, 3) for length, rate in status.rates.items()},
        "pace": status.rule.pace.value if status.rule else None,
        "counted_s": lost.counted_s,
        "lost_s": lost.lost_s,
        "classes": [
            {
                "loss": loss,
                "seconds": lost.of(loss),
                "percent": percents[loss],
                "availability": _part(lost.availability(loss)),
            }
            for loss in LossClass
        ],
        "reasons": [
            {"loss": share.loss, "reason": share.reason, "seconds": share.seconds, "percent": share.percent}
            for share in lost.shares
        ],
        "words": lost_in_words(lost),
    }


def leads_row(one: ProviderLeads) -> dict[str, Any]:
    """A line of the table as `ProviderLeadsSerializer` describes it."""
    return {"provider": one.provider, "name": name_of(one.provider), **asdict(one)}


def _part(part: float | None) -> float | None:
    return None if part is None else round(part, 6)
