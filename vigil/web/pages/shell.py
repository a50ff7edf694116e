"""Frame of every page: who reads, the team, the places, and what calls for attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers

from vigil.accounts.models import WRITERS, Team, User
from vigil.accounts.teams import membership_of
from vigil.alerts.core.routes import Severity, severity_of
from vigil.clock import database_now
from vigil.incidents.models import Incident

THEME_COOKIE = "vigil_theme"
THEMES = frozenset({"light", "dark"})
#: Severities that call a person, in the title and the icon of the browser's tab.
PAGING = frozenset({Severity.CRITICAL, Severity.ERROR})
#: Open incidents that are counted at most.
MOST_INCIDENTS = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the navigation. `route` is a name in `vigil.urls`; wide ones are behind More on a phone."""

    key: str
    name: str
    icon: str
    route: str
    wide: bool = False
    #: Only people who may use the admin see it: until its page is built, the place is the admin's.
    staff: bool = False


PLACES = (
    Place("overview", "Overview", "overview", "home"),
    Place("incidents", "Incidents", "incidents", "incidents"),
    Place("heartbeats", "Heartbeats", "heartbeats", "admin:heartbeats_heartbeat_changelist", staff=True),
    Place("on-call", "On call", "oncall", "admin:alerts_rotation_changelist", staff=True),
    Place("regions", "Regions", "regions", "admin:monitors_region_changelist", wide=True, staff=True),
    Place("settings", "Settings", "settings", "admin:index", wide=True, staff=True),
)


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A place with its address."""

    key: str
    name: str
    icon: str
    address: str
    wide: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """The person who reads a page, and the team for which they act."""

    user: User
    team: Team
    may_write: bool

    @property
    def is_staff(self) -> bool:
        return bool(self.user.is_staff)

    def require_writer(self) -> None:
        """Raise `PermissionDenied` for a viewer."""
        if not self.may_write:
            raise PermissionDenied("You may read this, but not change it.")


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame shows. `calling` counts open incidents that page and that are not acknowledged."""

    place: str
    places: list[ShownPlace]
    behind_more: list[str]
    team: Team
    person: str
    theme: str
    heard_at: datetime
    open_incidents: int
    calling: int


Page = Callable[..., HttpResponse]


def page(view: Page) -> Page:
    """A page of a team: signs in first, refuses people without a team, passes `Reader` as the second argument.

    The answer is private, and is asked for again each time.
    """

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if not isinstance(request.user, User):
            if "HX-Request" in request.headers:
                # A fragment cannot hold the sign-in page: the browser goes there as a whole.
                return HttpResponse(status=401, headers={"HX-Refresh": "true"})
            return redirect_to_login(request.get_full_path())
        answer = view(request, reader_of(request.user), *args, **named)
        patch_cache_control(answer, private=True, no_cache=True)
        patch_vary_headers(answer, ["Cookie"])
        return answer

    return shown


def reader_of(user: User) -> Reader:
    """The reader of a signed-in person; raises `PermissionDenied` for one without a team."""
    membership = membership_of(user)
    if membership is None:
        raise PermissionDenied("You are in no team yet.")
    return Reader(user, membership.team, membership.role in WRITERS)


def render_page(
    request: HttpRequest, reader: Reader, place: str, template: str, shown: Mapping[str, Any]
) -> HttpResponse:
    """A page in the frame; `template` is below `web/pages/`, `shown` is its context."""
    context = {**shown, "reader": reader, "shell": shell_of(request, reader, place)}
    return render(request, f"web/pages/{template}", context)


def shell_of(request: HttpRequest, reader: Reader, place: str) -> Shell:
    """The frame for a reader: two queries."""
    total, calling = open_incidents(reader.team)
    places = [
        ShownPlace(one.key, one.name, one.icon, reverse(one.route), one.wide)
        for one in PLACES
        if reader.is_staff or not one.staff
    ]
    return Shell(
        place=place,
        places=places,
        behind_more=[one.key for one in places if one.wide] + ["more"],
        team=reader.team,
        person=reader.user.get_full_name() or reader.user.get_username(),
        theme=theme_of(request),
        heard_at=database_now(),
        open_incidents=total,
        calling=calling,
    )


def open_incidents(team: Team) -> tuple[int, int]:
    """Open incidents of a team; and those that page and that are not acknowledged."""
    rows = Incident.objects.filter(team=team, resolved_at=None)
    found = list(rows.values_list("kind", "monitor__priority", "pursuit__acknowledged_at")[:MOST_INCIDENTS])
    return len(found), sum(
        acknowledged is None and severity_of(kind, priority or "normal") in PAGING
        for kind, priority, acknowledged in found
    )


def theme_of(request: HttpRequest) -> str:
    """The theme that the person chose on this device; empty for that of the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
