"""Serializers of trials: what each region saw, and what the law makes of it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from consensus.review.explain import WHY_EXCLUDED
from consensus.verdicts import Verdict
from consensus.vocabulary import Exclusion, observed
from probes.checks.assertion_facts import assertions_of
from probes.prober import AssertionOutcome
from probes.wire import Result
from vigil.alerts.wording.alert import VoteLine
from vigil.alerts.wording.foretold import alert_of
from vigil.alerts.wording.text import vote_line
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.api.base.serializers import ApiSerializer
from vigil.api.history.answers import FactsField
from vigil.api.monitors.results import phases_ms
from vigil.dispatch.core.trials import AnswerState, RegionAnswer, TrialReport, TrialState
from vigil.monitors.live.results import instant
from vigil.monitors.models import Region

_SEEN = ("status", "reason", "reason_words", "code", "detail", "attempts", "phases_ms")


class TrialRequestSerializer(ApiSerializer[Any]):
    """What a trial of a saved monitor may choose."""

    regions = serializers.SlugRelatedField(
        many=True,
        slug_field="slug",
        queryset=Region.objects.filter(enabled=True),
        required=False,
        help_text="From these regions; left out: from every enabled region of the monitor.",
    )


class TrialAssertionSerializer(ApiSerializer[Any]):
    """One assertion; `status` and `reason` are what its failure gives."""

    passed = serializers.BooleanField()
    expected = serializers.CharField()
    actual = serializers.CharField()
    status = serializers.CharField()
    reason = serializers.CharField()


class TrialAlertSerializer(ApiSerializer[Any]):
    """The alert that would follow if this lasted."""

    incident = serializers.CharField()
    severity = serializers.CharField()
    when = serializers.CharField()
    meaning = serializers.CharField()


class TrialRegionSerializer(ApiSerializer[Any]):
    """One region's answer. What it saw is null until it has answered; durations are milliseconds."""

    region = serializers.CharField()
    domain = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in AnswerState])
    words = serializers.CharField(help_text="The line that an alert would show, or why there is no answer.")
    status = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    reason_words = serializers.CharField(allow_null=True)
    vote = serializers.CharField(allow_null=True, help_text="passing, degraded, account or failing; null for no vote.")
    not_counted = serializers.CharField(help_text="Why its vote would not count; empty where it would.")
    code = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField(allow_null=True)
    phases_ms = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    assertions = TrialAssertionSerializer(many=True)
    facts = FactsField(help_text="Other facts: address, certificate, rate limits, queue, ...")


class TrialVerdictSerializer(ApiSerializer[Any]):
    """What the quorum rule makes of this one look. A monitor of normal sensitivity looks twice before it is down."""

    status = serializers.CharField()
    reason = serializers.CharField()
    explanation = serializers.CharField()
    n = serializers.IntegerField(help_text="Regions assigned.")
    m = serializers.IntegerField(help_text="Regions that voted.")
    k = serializers.IntegerField(help_text="Votes of a quorum.")
    alert = TrialAlertSerializer(allow_null=True)


class TrialSerializer(ApiSerializer[Any]):
    """One look for a person: no vote, no history, no alert. It can be read for five minutes."""

    id = serializers.CharField()
    monitor = serializers.CharField(allow_null=True, help_text="The saved monitor; null for an unsaved one.")
    kind = serializers.CharField()
    target = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in TrialState])
    started_at = serializers.DateTimeField()
    deadline = serializers.DateTimeField(help_text="Regions that have not answered by then are `silent`.")
    regions = TrialRegionSerializer(many=True)
    verdict = TrialVerdictSerializer(allow_null=True)


def shown(found: TrialReport) -> dict[str, Any]:
    """A trial as `TrialSerializer` describes it."""
    trial = found.trial
    return {
        "id": trial.id,
        "monitor": trial.monitor or None,
        "kind": trial.kind,
        "target": trial.target,
        "state": found.state.value,
        "started_at": instant(trial.started_ms),
        "deadline": instant(trial.deadline_ms),
        "regions": [_region_row(answer, found.verdict) for answer in found.answers],
        "verdict": _verdict_row(found.verdict),
    }


def _region_row(answer: RegionAnswer, verdict: Verdict | None) -> dict[str, Any]:
    result = answer.result
    without_vote = {one.region: one.why.value for one in verdict.excluded} if verdict else {}
    why = without_vote.get(answer.region) or (answer.why.value if answer.why else "")
    facts, outcomes = assertions_of(result.facts) if result is not None else ({}, [])
    vote = observed(result.status, result.reason) if result is not None else None
    return {
        "region": answer.region,
        "domain": answer.domain,
        "state": answer.state.value,
        "words": _words(answer, counted=not why),
        **(dict.fromkeys(_SEEN) if result is None else _seen(result)),
        "vote": vote.value if vote is not None and not why else None,
        "not_counted": f"It {WHY_EXCLUDED.get(why, why.replace('_', ' '))}." if why else "",
        "assertions": [_assertion_row(one) for one in outcomes],
        "facts": facts,
    }


def _seen(result: Result) -> dict[str, Any]:
    return {
        "status": result.status.value,
        "reason": result.reason.value,
        "reason_words": reason_in_words(result.reason),
        "code": result.code,
        "detail": result.detail,
        "attempts": result.attempts,
        "phases_ms": phases_ms(result.phases),
    }


def _assertion_row(one: AssertionOutcome) -> dict[str, Any]:
    return {
        "passed": one.passed, "expected": one.expected, "actual": one.found, "status": one.status.value,
        "reason": one.reason.value,
    }  # fmt: skip


def _words(answer: RegionAnswer, counted: bool) -> str:
    place = f"{answer.region} ({answer.domain})"
    if answer.state is AnswerState.NOT_ASKED:
        return f"{place}: not asked, it {_why_not_asked(answer)}"
    if answer.state is AnswerState.SILENT:
        return f"{place}: silent, no answer came in time"
    if answer.result is None:
        return f"{place}: no answer yet"
    return vote_line(_vote_line(answer, answer.result, counted))


def _why_not_asked(answer: RegionAnswer) -> str:
    if answer.why is None:
        return "has a queue that cannot be written"
    return "has no key for the secrets" if answer.why is Exclusion.PROBE_ERROR else WHY_EXCLUDED[answer.why.value]


def _vote_line(answer: RegionAnswer, result: Result, counted: bool) -> VoteLine:
    return VoteLine(
        answer.region, answer.domain, result.status.value, result.reason.value, result.detail,
        attempts=result.attempts, code=result.code, counted=counted,
    )  # fmt: skip


def _verdict_row(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "status": verdict.status.value,
        "reason": verdict.reason.value,
        "explanation": verdict.explanation,
        "n": verdict.n,
        "m": verdict.m,
        "k": verdict.k,
        "alert": alert_of(verdict.status, verdict.failure),
    }
