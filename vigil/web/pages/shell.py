"""Frame of every page: who reads, the team, the places, and what calls for attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers

from vigil.accounts.models import WRITERS, Membership, Team, User
from vigil.alerts.core.routes import Severity, severity_of
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Priority

THEME_COOKIE = "vigil_theme"
THEMES = frozenset({"light", "dark"})
#: Severities that call a person, in the title and the icon of the browser's tab.
PAGING = frozenset({Severity.CRITICAL, Severity.ERROR})


# Fixed text, since each page and each poll asks it; compiling it from a queryset took longer than the query.
_OPEN = """
SELECT count(*) FROM incidents_incident i
LEFT JOIN monitors_monitor m ON m.id = i.monitor_id LEFT JOIN alerts_pursuit p ON p.incident_id = i.id
WHERE i.team_id = accounts_membership.team_id AND i.resolved_at IS NULL"""
_CALLS = f"""
AND p.acknowledged_at IS NULL AND i.kind || '/' || coalesce(m.priority, '{Priority.NORMAL.value}') = ANY(%s)"""


@dataclass(frozen=True, slots=True)
class NavPlace:
    """A place of the navigation. `route` is a name in `vigil.urls`; wide ones are behind More on a phone."""

    key: str
    name: str
    icon: str
    route: str
    wide: bool = False
    #: Only people who may use the admin see it: until its page is built, the place is the admin's.
    staff: bool = False


PLACES = (
    NavPlace("overview", "Overview", "overview", "home"),
    NavPlace("incidents", "Incidents", "incidents", "incidents"),
    NavPlace("heartbeats", "Heartbeats", "heartbeats", "heartbeats"),
    NavPlace("on-call", "On call", "oncall", "on-call"),
    NavPlace("providers", "Providers", "vigil", "providers", wide=True),
    NavPlace("notices", "Notices", "pages", "notices", wide=True),
    NavPlace("regions", "Regions", "regions", "regions", wide=True),
    NavPlace("settings", "Settings", "settings", "settings", wide=True),
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
class PageReader:
    """The person who reads a page, and the team for which they act."""

    user: User
    team: Team
    may_write: bool
    open_incidents: int = 0
    #: Open incidents that page and that are not acknowledged.
    calling: int = 0

    @property
    def is_staff(self) -> bool:
        return bool(self.user.is_staff)

    def require_writer(self) -> None:
        """Raise `PermissionDenied` for a viewer."""
        if not self.may_write:
            raise PermissionDenied("You may read this, but not change it.")


@dataclass(frozen=True, slots=True)
class PageShell:
    """What the frame shows."""

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
    """A page of a team: signs in first, refuses people without a team, passes `PageReader` as the second argument.

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


def reader_of(user: User) -> PageReader:
    """The reader of a signed-in person: one query. Raises `PermissionDenied` for one without a team."""
    mine = Membership.objects.filter(user=user).select_related("team").order_by("id")
    found = mine.annotate(
        open_incidents=RawSQL(f"({_OPEN})", [], output_field=IntegerField()),
        calling=RawSQL(f"({_OPEN}{_CALLS})", [paging()], output_field=IntegerField()),
    ).first()
    if found is None:
        raise PermissionDenied("You are in no team yet.")
    return PageReader(user, found.team, found.role in WRITERS, found.open_incidents, found.calling)


@lru_cache(maxsize=1)
def paging() -> list[str]:
    """Kinds of incidents with the priorities of monitors that make them page, as `kind/priority`."""
    return [f"{kind}/{one}" for kind in IncidentKind for one in Priority if severity_of(kind, one) in PAGING]


def render_page(
    request: HttpRequest, reader: PageReader, place: str, template: str, shown: Mapping[str, Any]
) -> HttpResponse:
    """A page in the frame; `template` is below `web/pages/`, `shown` is its context."""
    context = {**shown, "reader": reader, "shell": shell_of(request, reader, place)}
    return render(request, f"web/pages/{template}", context)


def shell_of(request: HttpRequest, reader: PageReader, place: str) -> PageShell:
    """The frame for a reader, without a query."""
    places = [
        ShownPlace(one.key, one.name, one.icon, reverse(one.route), one.wide)
        for one in PLACES
        if reader.is_staff or not one.staff
    ]
    return PageShell(
        place=place,
        places=places,
        behind_more=[one.key for one in places if one.wide] + ["more"],
        team=reader.team,
        person=reader.user.get_full_name() or reader.user.get_username(),
        theme=theme_of(request),
        heard_at=datetime.now(UTC),
        open_incidents=reader.open_incidents,
        calling=reader.calling,
    )


def theme_of(request: HttpRequest) -> str:
    """The theme that the person chose on this device; empty for that of the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
