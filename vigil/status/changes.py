"""Write paths of status pages, one transaction each. All raise `ValidationError` keyed by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from vigil.monitors.live.version import touch
from vigil.problems.rows import row_problems
from vigil.status.components import Problems, check_components, replace_components
from vigil.status.core.look.pictures import PictureRole, checked_picture
from vigil.status.models import StatusPage
from vigil.status.page_checks import check_accent, check_kinds, check_place, set_password

MAX_PAGES = 100

#: Fields of a page that are set as they are given.
SETTABLE = (
    "slug", "title", "header", "footer", "visibility", "networks", "domain", "language", "accent", "enabled",
    "subscriber_kinds",
)  # fmt: skip


def save_status_page(page: StatusPage, wanted: Mapping[str, Any]) -> StatusPage:
    """Create or change a page. `components` replaces them as a whole; those with the same name keep their ids,
    then those about the same monitor or tag."""
    check_status_page(page, wanted)
    components = wanted.get("components")
    with transaction.atomic():
        if page._state.adding and StatusPage.objects.filter(team_id=page.team_id).count() >= MAX_PAGES:
            raise ValidationError({"title": [f"A team has at most {MAX_PAGES} status pages."]})
        if page._state.adding:
            page.save()
        else:
            lock_page(page.pk)
            # Its revision may have grown since the row was read.
            page.save(update_fields=[*named(SETTABLE, wanted), *_access(wanted), "updated_at"])
        if components is not None:
            replace_components(page, components)
        note_change(page)
    return page


def check_status_page(page: StatusPage, wanted: Mapping[str, Any]) -> None:
    """Give the page what is wanted of it, without its components, and store nothing."""
    set_fields(page, wanted, SETTABLE)
    problems: Problems = {}
    set_password(page, wanted.get("password") or "", problems)
    check_place(page, problems)
    check_kinds(page, problems)
    check_accent(page, problems)
    problems |= row_problems(page, exclude=["public_id", "access", *problems])
    if wanted.get("components") is not None:
        check_components(page, wanted["components"], problems)
    refuse(problems)


def save_picture(page: StatusPage, role: PictureRole, content: bytes | None) -> None:
    """Give a page a picture, or none; raises `ValidationError` by its role."""
    try:
        made = checked_picture(content, role) if content is not None else None
    except ValueError as wrong:
        raise ValidationError({role.value: [str(wrong)]}) from None
    with transaction.atomic():
        lock_page(page.pk)
        if made is None:
            page.pictures.filter(role=role).delete()
        else:
            wanted = {name: getattr(made, name) for name in ("content", "ending", "width", "height")}
            page.pictures.update_or_create(role=role, defaults=wanted)
        note_change(page)


def delete_status_page(page: StatusPage) -> None:
    """Delete a page with its components and public incidents; it is served no longer."""
    with transaction.atomic():
        touch(page.team_id)
        page.delete()


def note_change(page: StatusPage) -> None:
    """Let what publishes pages know that this one shows something else."""
    StatusPage.objects.filter(pk=page.pk).update(revision=F("revision") + 1)
    touch(page.team_id)


def lock_page(key: int) -> None:
    """Lock a page, always before its incidents: writes of one page follow each other, and none waits for two."""
    if StatusPage.objects.select_for_update(no_key=True).filter(pk=key).first() is None:
        raise ValidationError({"page": ["This page was deleted."]})


def set_fields(row: Any, wanted: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name in wanted:
            setattr(row, name, wanted[name])


def named(names: Sequence[str], wanted: Mapping[str, Any]) -> list[str]:
    return [name for name in names if name in wanted]


def _access(wanted: Mapping[str, Any]) -> list[str]:
    return ["access"] if "visibility" in wanted or wanted.get("password") else []


def refuse(problems: Problems) -> None:
    if problems:
        raise ValidationError(problems)
