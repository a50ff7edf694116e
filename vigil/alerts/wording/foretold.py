"""Alert that a vote or a verdict would lead to, in words, before there is one. Pure."""

from __future__ import annotations

from consensus.vocabulary import Observed, observed
from probes.reasons import Reason, Status
from vigil.alerts.core.routes import severity_of
from vigil.alerts.wording.vocabulary import meaning_of

#: What a vote becomes -> the kind of the incident, and when.
_INCIDENTS = {
    Observed.FAILING: ("outage", "once a quorum of regions sees it in every look"),
    Observed.DEGRADED: ("degraded", "once a quorum of regions sees it"),
    Observed.ACCOUNT: ("account", "once a quorum of regions sees it"),
}


def alert_of(status: Status, reason: Reason) -> dict[str, str] | None:
    """The alert that would follow if a quorum of regions saw this; None where no alert would."""
    what = observed(status, reason)
    if what is None or what is Observed.PASSING:
        return None
    kind, when = _INCIDENTS[what]
    return {"incident": kind, "severity": severity_of(kind).value, "when": when, "meaning": meaning_of(kind, reason)}
