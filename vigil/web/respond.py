"""Acknowledge page of an alert's link; only POST acts, since scanners and previews open links."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from vigil.alerts.models import Pursuit
from vigil.alerts.oncall.ack_links import Invitation, LinkError, read
from vigil.alerts.oncall.responses import NOTE_LIMIT, ResponseKind, acknowledge, note, snooze, take_back
from vigil.alerts.wording.text import duration
from vigil.clock import database_now
from vigil.incidents.core.model import Step

SNOOZES = {"15": "15 min", "30": "30 min", "60": "1 h", "240": "4 h", "720": "12 h"}

#: How often a link may do what can be done again and again, to its incident.
_BUDGETS = {"note": (Step.NOTE, 20), "snooze": (Step.SNOOZED, 10)}
_SPENT = "This link has done that as often as it may. Sign in to do more."

_SAID = {
    ResponseKind.DONE: "Done.",
    ResponseKind.ALREADY: "This was already done.",
    ResponseKind.OVER: "The incident is already resolved.",
    ResponseKind.REFUSED: "Not saved: a note has 1 to 2,000 characters.",
}


# The link itself is the credential and no session is used, so CSRF does not apply.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def respond(request: HttpRequest, token: str) -> HttpResponse:
    """Show the incident of a link; on POST do what the form requests, once."""
    try:
        invitation = read(token)
    except LinkError as refused:
        return _answer(request, {"problem": str(refused)}, 403)
    said = ""
    if request.method == "POST":
        if _is_spent(invitation, request.POST.get("do", "")):
            return _answer(request, _shown(invitation, _SPENT), 429)
        answer = _do(request, invitation)
        if answer is None:
            # Redirect, since an error would log the address, which is a secret.
            return redirect("respond", token)
        said = _SAID[answer]
        invitation.incident.refresh_from_db()
    return _answer(request, _shown(invitation, said))


def _is_spent(invitation: Invitation, wish: str) -> bool:
    """Whether a link has written all the notes or snoozes that it may: others may hold it."""
    step, most = _BUDGETS.get(wish, ("", 0))
    if not step:
        return False
    return invitation.incident.transitions.filter(step=step, actor=str(invitation.actor)).count() >= most


def _do(request: HttpRequest, invitation: Invitation) -> ResponseKind | None:
    incident, actor = invitation.incident.pk, invitation.actor
    wish = request.POST.get("do", "")
    if wish == "acknowledge":
        return acknowledge(incident, actor)
    if wish == "take_back":
        return take_back(incident, actor)
    if wish == "note":
        return note(incident, actor, request.POST.get("text", ""))
    minutes = request.POST.get("minutes", "")
    if wish == "snooze" and minutes in SNOOZES:
        return snooze(incident, actor, database_now() + timedelta(minutes=int(minutes)))
    return None


def _shown(invitation: Invitation, said: str) -> dict[str, object]:
    incident = invitation.incident
    end = incident.resolved_at or database_now()
    return {
        "incident": incident,
        "said": said,
        "reader": invitation.actor.name,
        "lasted": duration(end - incident.started_at),
        "pursuit": Pursuit.objects.filter(pk=incident.pk).first(),
        "steps": incident.transitions.order_by("-seq")[:50],
        "snoozes": SNOOZES.items(),
        "note_limit": NOTE_LIMIT,
    }


def _answer(request: HttpRequest, shown: dict[str, object], status: int = 200) -> HttpResponse:
    answer = render(request, "web/respond.html", shown, status=status)
    # The address is a secret: no referrer, no index.
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer
