"""Version of a team's pages for `GET /live`: of Redis without a query, else of the newest transition."""

from __future__ import annotations

from datetime import datetime

from vigil.accounts.models import Team
from vigil.incidents.models import Transition
from vigil.monitors.live import version as live_version


def live_version_of(team: Team, now: datetime) -> str:
    """The version; equal ones mean that nothing shown has changed. One query only while Redis is away."""
    known = live_version.version(team.pk, now)
    if known is not None:
        return known
    newest = Transition.objects.filter(incident__team=team).order_by("-pk").values_list("pk", flat=True).first()
    return f"t{newest or 0}.{live_version.minute_of(now)}"
