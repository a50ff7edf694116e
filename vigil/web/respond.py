"""Acknowledge page of an alert's link; only POST acts, since scanners and previews open links."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from vigil.alerts.oncall.ack_links import Invitation, LinkError, read
from vigil.clock import database_now
from vigil.incidents.core.model import Step
from vigil.read_models.incident_page import read_linked_incident
from vigil.web.pages.incidents import SAID, incident_context, respond_to

#: How often a link may do what can be done again and again, to its incident.
_BUDGETS = {"note": (Step.NOTE, 20), "snooze": (Step.SNOOZED, 10)}
_SPENT = "This link has done that as often as it may. Sign in to do more."


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
        answer = respond_to(invitation.incident.pk, invitation.actor, request.POST)
        if answer is None:
            # Redirect, since an error would log the address, which is a secret.
            return redirect("respond", token)
        said = SAID[answer]
        invitation.incident.refresh_from_db()
    return _answer(request, _shown(invitation, said))


def _is_spent(invitation: Invitation, wish: str) -> bool:
    """Whether a link has written all the notes or snoozes that it may: others may hold it."""
    step, most = _BUDGETS.get(wish, ("", 0))
    if not step:
        return False
    return invitation.incident.transitions.filter(step=step, actor=str(invitation.actor)).count() >= most


def _shown(invitation: Invitation, said: str) -> dict[str, object]:
    found = read_linked_incident(invitation.incident, database_now())
    # Whom an incident is written up for, and what was before, is for people who sign in.
    hidden: dict[str, object] = {"postmortem_field": None, "similar": [], "members": []}
    return {**incident_context(found), **hidden, "said": said, "reader_name": invitation.actor.name}


def _answer(request: HttpRequest, shown: dict[str, object], status: int = 200) -> HttpResponse:
    answer = render(request, "web/pages/respond.html", shown, status=status)
    # The address is a secret: no referrer, no index.
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer
