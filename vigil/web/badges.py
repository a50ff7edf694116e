"""Badge pages at unguessable addresses; a wrong one is a 404."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from vigil.heartbeats.models import Heartbeat, TeamPings
from vigil.heartbeats.overview import status_shown
from vigil.heartbeats.showing import badges
from vigil.heartbeats.showing.badges import Badge

_SHOWN_FOR_S = 60


def _svg(badge: Badge) -> HttpResponse:
    return HttpResponse(badges.as_svg(badge), content_type="image/svg+xml")


_KINDS: dict[str, Callable[[Badge], HttpResponse]] = {
    "svg": _svg,
    "json": lambda badge: JsonResponse(badges.as_object(badge)),
    "shields": lambda badge: JsonResponse(badges.as_shields(badge)),
}


@require_safe
@cache_control(public=True, max_age=_SHOWN_FOR_S)
def heartbeat(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The badge of one heartbeat."""
    row = Heartbeat.objects.select_related("monitor").filter(badge_code=code, monitor__deleted_at=None).first()
    if row is None or kind not in _KINDS:
        raise Http404
    return _KINDS[kind](Badge(row.monitor.name, status_shown(row)))


@require_safe
@cache_control(public=True, max_age=_SHOWN_FOR_S)
def tag(request: HttpRequest, key: str, signature: str, tag: str, kind: str) -> HttpResponse:
    """The badge of a team's tag: the worst status of its heartbeats."""
    team = TeamPings.objects.filter(badge_key=key).first()
    if team is None or kind not in _KINDS or not badges.is_signed(key, tag, signature):
        raise Http404
    rows = Heartbeat.objects.select_related("monitor").filter(
        team_id=team.pk, monitor__deleted_at=None, monitor__tags__contains=[tag]
    )
    return _KINDS[kind](Badge(tag, badges.worst_of(status_shown(row) for row in rows)))
