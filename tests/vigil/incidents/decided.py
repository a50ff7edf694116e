"""An incident with a stored verdict, for tests of what is read from it."""

from __future__ import annotations

from django.utils import timezone

from consensus.outcome import verdict_of
from consensus.quorum import decide
from consensus.review.evidence import to_evidence
from tests.consensus.examples import FIVE_REGIONS, make_round, make_vote
from vigil.accounts.models import Team
from vigil.incidents.models import Incident, Transition


def decided_incident(team: Team) -> Incident:
    """An outage that four of five regions decided, and a note without evidence."""
    failing = sorted(FIVE_REGIONS)[:4]
    votes = [make_vote(region, "timeout" if region in failing else "pass") for region in FIVE_REGIONS]
    round = make_round()
    decision = decide(round, votes, 1)
    assert decision is not None
    evidence = to_evidence(verdict_of(round, decision, votes, round.opened_ms + 900, 1))
    incident = Incident.objects.create(
        team=team,
        kind="outage",
        title="checkout is down",
        steps=2,
        started_at=timezone.now(),
        opened_at=timezone.now(),
    )
    steps = [("opened", "confirmed", evidence), ("note", "flapping", {})]
    for seq, (step, reason, rests_on) in enumerate(steps, start=1):
        Transition.objects.create(
            incident=incident, seq=seq, step=step, reason=reason, at=timezone.now(), evidence=rests_on
        )
    return incident
