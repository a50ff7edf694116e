"""Sections of the settings, and the frame that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from vigil.web.pages.shell import PageReader, page, render_page


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """A section. `route` is a name in `vigil.urls`; `staff` ones belong to the installation."""

    key: str
    name: str
    route: str
    staff: bool = False


SECTIONS = (
    SettingsSection("channels", "Channels", "settings-channels"),
    SettingsSection("feeds", "Status feeds", "settings-feeds"),
    SettingsSection("objectives", "Objectives", "objectives"),
    SettingsSection("status-pages", "Status pages", "settings-status-pages"),
    SettingsSection("tokens", "Tokens", "settings-tokens"),
    # Members and their roles are in the admin until their page is built; sign-in, plan and audit follow them.
    SettingsSection("members", "Members", "admin:accounts_user_changelist", staff=True),
    SettingsSection("health", "Health", "settings-health", staff=True),
    SettingsSection("dead-letters", "Dead letters", "settings-dead-letters", staff=True),
    SettingsSection("you", "You", "settings-you"),
)


@require_safe
@page
def first(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The first section."""
    return redirect(SECTIONS[0].route)


def render_section(
    request: HttpRequest, reader: PageReader, key: str, template: str, shown: Mapping[str, Any]
) -> HttpResponse:
    """A page of a section; `template` is below `web/pages/settings/`."""
    sections = [(one.name, reverse(one.route), one.key == key) for one in SECTIONS if reader.is_staff or not one.staff]
    return render_page(request, reader, "settings", f"settings/{template}", {**shown, "sections": sections})


def require_staff(reader: PageReader) -> None:
    """Raise `PermissionDenied` for people who do not run the installation."""
    if not reader.is_staff:
        raise PermissionDenied("This belongs to the installation: only its staff may see it.")


def never_stored(answer: HttpResponse) -> HttpResponse:
    """An answer that shows a secret once: no cache keeps it."""
    answer["Cache-Control"] = "no-store"
    return answer
