"""Write paths of status pages, one transaction each. All raise `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from vigil.clock import YEARS_IN_WORDS, database_now, is_storable
from vigil.monitors.live.version import touch
from vigil.monitors.validation import MAX_TAG_LENGTH
from vigil.problems.rows import duplicate, row_problems
from vigil.status.core.states import UpdateState
from vigil.status.models import PageComponent, PageVisibility, PublicIncident, PublicUpdate, StatusPage
from vigil.visible_text import is_visible_line

MAX_PAGES, MAX_COMPONENTS, MAX_UPDATES = 100, 100, 200
#: Public incidents of a page; a page shows those of the last days.
MAX_INCIDENTS = 10_000
PASSWORD_LEAST, PASSWORD_MOST = 8, 200

_PAGE = ("slug", "title", "header", "footer", "visibility", "enabled")
_INCIDENT = ("page", "incident", "title", "impact", "started_at")
Problems = dict[str, list[Any]]


def save_status_page(page: StatusPage, wanted: Mapping[str, Any]) -> StatusPage:
    """Create or change a page. `components` replaces them as a whole; those with the same name keep their ids."""
    _set(page, wanted, _PAGE)
    problems: Problems = {}
    _set_password(page, wanted.get("password") or "", problems)
    problems |= row_problems(page, exclude=["public_id", "access"])
    components = wanted.get("components")
    if components is not None:
        _check_components(page, components, problems)
    _refuse(problems)
    with transaction.atomic():
        if page._state.adding and StatusPage.objects.filter(team_id=page.team_id).count() >= MAX_PAGES:
            raise ValidationError({"title": [f"A team has at most {MAX_PAGES} status pages."]})
        page.save()
        if components is not None:
            _replace_components(page, components)
        note_change(page)
    return page


def delete_status_page(page: StatusPage) -> None:
    """Delete a page with its components and public incidents; it is served no longer."""
    with transaction.atomic():
        touch(page.team_id)
        page.delete()


def save_public_incident(row: PublicIncident, wanted: Mapping[str, Any]) -> PublicIncident:
    """Create or change a public incident. A new one has its first update in `state` and `text`."""
    is_new = row._state.adding
    _set(row, wanted, _INCIDENT)
    row.started_at = row.started_at or database_now()
    problems: Problems = {**row_problems(row, exclude=["public_id"])}
    components = wanted.get("components")
    _check_belongings(row, components or (), problems)
    if not is_storable(row.started_at):
        problems["started_at"] = [YEARS_IN_WORDS]
    _refuse(problems)
    with transaction.atomic():
        if is_new and row.page.incidents.count() >= MAX_INCIDENTS:
            raise ValidationError({"page": [f"A page has at most {MAX_INCIDENTS:,} public incidents."]})
        row.save()
        if components is not None:
            row.components.set(components)
        if is_new:
            add_update(row, wanted)
        note_change(row.page)
    return row


def add_update(row: PublicIncident, wanted: Mapping[str, Any]) -> PublicUpdate:
    """Add an update. Its state is that of the incident; the same words in the same state twice are one."""
    update = PublicUpdate(
        incident=row,
        state=wanted.get("state") or UpdateState.INVESTIGATING,
        text=wanted.get("text") or "",
        at=database_now(),
        written_by=str(wanted.get("written_by") or "")[:120],
    )
    _refuse({**row_problems(update, exclude=["public_id", "incident"])})
    with transaction.atomic():
        PublicIncident.objects.select_for_update(no_key=True).get(pk=row.pk)
        newest = row.updates.order_by("-at", "-id").first()
        if newest is not None and (newest.state, newest.text) == (update.state, update.text):
            return newest
        if row.updates.count() >= MAX_UPDATES:
            raise ValidationError({"text": [f"A public incident has at most {MAX_UPDATES} updates."]})
        update.save()
        row.state = update.state
        row.resolved_at = update.at if update.state == UpdateState.RESOLVED else None
        row.save(update_fields=["state", "resolved_at"])
        note_change(row.page)
    return update


def delete_public_incident(row: PublicIncident) -> None:
    """Delete a public incident with its updates."""
    with transaction.atomic():
        note_change(row.page)
        row.delete()


def note_change(page: StatusPage) -> None:
    """Let what publishes pages know that this one shows something else."""
    StatusPage.objects.filter(pk=page.pk).update(revision=F("revision") + 1)
    touch(page.team_id)


def _set_password(page: StatusPage, password: str, problems: Problems) -> None:
    if page.visibility != PageVisibility.PASSWORD:
        page.access = ""
        if password:
            problems["password"] = ["Only a page behind a password has one: set visibility to password."]
    elif password:
        if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
            problems["password"] = [f"From {PASSWORD_LEAST} to {PASSWORD_MOST} characters."]
        else:
            page.access = make_password(password)
    elif not page.access:
        problems["password"] = ["A page behind a password needs one."]


def _check_components(page: StatusPage, components: Sequence[Mapping[str, Any]], problems: Problems) -> None:
    if len(components) > MAX_COMPONENTS:
        problems["components"] = [f"At most {MAX_COMPONENTS}."]
        return
    names = [one.get("name", "") for one in components]
    for one in components:
        found = row_problems(_component(page, one, 0), exclude=["public_id", "page"])
        found.pop("__all__", None)
        monitor, tag, name = one.get("monitor"), one.get("tag") or "", one.get("name", "")
        where = f"{name}: " if name else ""
        told = [f"{where}{text}" for each in found.values() for error in each for text in error.messages]
        if bool(monitor) == bool(tag):
            told.append(f"{where}Give either a monitor or a tag.")
        elif monitor is not None and monitor.team_id != page.team_id:
            told.append(f"{where}This monitor is another team's.")
        if tag and not (len(tag) <= MAX_TAG_LENGTH and is_visible_line(tag)):
            told.append(f"{where}A tag is one line of visible text.")
        if told:
            problems.setdefault("components", []).extend(told)
        elif names.count(name) > 1 and not any("taken" in str(each) for each in problems.get("components", ())):
            problems.setdefault("components", []).append(duplicate(f"{name}: this name is taken."))


def _component(page: StatusPage, given: Mapping[str, Any], position: int) -> PageComponent:
    return PageComponent(
        page=page,
        name=given.get("name", ""),
        group=given.get("group") or "",
        description=given.get("description") or "",
        monitor=given.get("monitor"),
        tag=given.get("tag") or "",
        position=position,
    )


def _replace_components(page: StatusPage, components: Sequence[Mapping[str, Any]]) -> None:
    known = {one.name: one for one in page.components.all()}
    wanted = [_component(page, one, place) for place, one in enumerate(components)]
    page.components.exclude(name__in=[one.name for one in wanted]).delete()
    for one in wanted:
        before = known.get(one.name)
        if before is not None:
            one.pk, one.public_id, one.created_at = before.pk, before.public_id, before.created_at
            one._state.adding = False
        one.save()


def _check_belongings(row: PublicIncident, components: Sequence[PageComponent], problems: Problems) -> None:
    if row.page_id and row.page.team_id != row.team_id:
        problems["page"] = ["This page is another team's."]
    if row.incident is not None and row.incident.team_id != row.team_id:
        problems["incident"] = ["This incident is another team's."]
    if any(one.page_id != row.page_id for one in components):
        problems["components"] = ["Each must be a component of the page."]


def _set(row: Any, wanted: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name in wanted:
            setattr(row, name, wanted[name])


def _refuse(problems: Problems) -> None:
    if problems:
        raise ValidationError(problems)
