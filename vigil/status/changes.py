"""Write paths of status pages, one transaction each. All raise `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from vigil.clock import YEARS_IN_WORDS, database_now, database_wall_now, is_storable
from vigil.monitors.live.version import touch
from vigil.problems.rows import row_problems
from vigil.status.components import Problems, check_components, replace_components
from vigil.status.core.states import UpdateState
from vigil.status.models import PageComponent, PageVisibility, PublicIncident, PublicUpdate, StatusPage

MAX_PAGES, MAX_UPDATES = 100, 200
#: Public incidents of a page; a page shows those of the last days.
MAX_INCIDENTS = 10_000
#: What is said of a component that was removed while a form was open.
GONE = "One of them is gone. Choose again."
PASSWORD_LEAST, PASSWORD_MOST = 8, 200

_PAGE = ("slug", "title", "header", "footer", "visibility", "enabled")
_INCIDENT = ("page", "incident", "title", "impact", "started_at")


def save_status_page(page: StatusPage, wanted: Mapping[str, Any]) -> StatusPage:
    """Create or change a page. `components` replaces them as a whole; those with the same name keep their ids,
    then those about the same monitor or tag."""
    _set(page, wanted, _PAGE)
    problems: Problems = {}
    _set_password(page, wanted.get("password") or "", problems)
    problems |= row_problems(page, exclude=["public_id", "access"])
    components = wanted.get("components")
    if components is not None:
        check_components(page, components, problems)
    _refuse(problems)
    with transaction.atomic():
        if page._state.adding and StatusPage.objects.filter(team_id=page.team_id).count() >= MAX_PAGES:
            raise ValidationError({"title": [f"A team has at most {MAX_PAGES} status pages."]})
        if page._state.adding:
            page.save()
        else:
            _lock_page(page.pk)
            # Its revision may have grown since the row was read.
            page.save(update_fields=[*_named(_PAGE, wanted), *_access(wanted), "updated_at"])
        if components is not None:
            replace_components(page, components)
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
        _lock_page(row.page_id)
        if is_new:
            if row.page.incidents.count() >= MAX_INCIDENTS:
                raise ValidationError({"page": [f"A page has at most {MAX_INCIDENTS:,} public incidents."]})
            row.save()
        else:
            _lock_incident(row.pk)
            # Its state is that of its newest update, which may have come since the row was read.
            row.save(update_fields=_named(_INCIDENT, wanted))
        if components is not None:
            _refuse_gone(row.page, components)
            row.components.set(components)
        if is_new:
            add_update(row, wanted)
        note_change(row.page)
    return row


def add_update(row: PublicIncident, wanted: Mapping[str, Any]) -> PublicUpdate:
    """Add an update. Its state is that of the incident; the same words in the same state twice are one."""
    with transaction.atomic():
        _lock_page(row.page_id)
        _lock_incident(row.pk)
        newest = row.updates.newest_first().first()
        # After the locks: of two at once, the one that is written last is the newest.
        now = database_wall_now()
        update = PublicUpdate(
            incident=row,
            state=wanted.get("state") or UpdateState.INVESTIGATING,
            text=wanted.get("text") or "",
            published_at=max(now, newest.published_at) if newest and newest.published_at else now,
            written_by=str(wanted.get("written_by") or "")[:120],
        )
        _refuse({**row_problems(update, exclude=["public_id", "incident"])})
        if newest is not None and (newest.state, newest.text) == (update.state, update.text):
            return newest
        if row.updates.count() >= MAX_UPDATES:
            raise ValidationError({"text": [f"A public incident has at most {MAX_UPDATES} updates."]})
        update.save()
        row.state = update.state
        row.published_at = row.published_at or update.published_at
        row.resolved_at = update.published_at if update.state == UpdateState.RESOLVED else None
        row.save(update_fields=["state", "published_at", "resolved_at"])
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


def _lock_page(key: int) -> None:
    """Lock a page, always before its incidents: writes of one page follow each other, and none waits for two."""
    if StatusPage.objects.select_for_update(no_key=True).filter(pk=key).first() is None:
        raise ValidationError({"page": ["This page was deleted."]})


def _lock_incident(key: int) -> None:
    if PublicIncident.objects.select_for_update(no_key=True).filter(pk=key).first() is None:
        raise ValidationError({"incident": ["This public incident was deleted."]})


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


def _named(names: Sequence[str], wanted: Mapping[str, Any]) -> list[str]:
    return [name for name in names if name in wanted]


def _access(wanted: Mapping[str, Any]) -> list[str]:
    return ["access"] if "visibility" in wanted or wanted.get("password") else []


def _refuse_gone(page: StatusPage, components: Sequence[PageComponent]) -> None:
    ids = {one.pk for one in components}
    if page.components.filter(pk__in=ids).count() < len(ids):
        raise ValidationError({"components": [GONE]})


def _refuse(problems: Problems) -> None:
    if problems:
        raise ValidationError(problems)
