"""Fields that forms of public incidents share: the page with whom it tells, its components, and when it is public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from vigil.accounts.models import Team
from vigil.status.audience import audience, audiences
from vigil.status.core.states import PublicImpact, UpdateState
from vigil.status.incident_models import UpdateTemplate
from vigil.status.models import PageComponent, PublicIncident, PublicUpdate, StatusPage
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import boxes
from vigil.web.pages.row_forms.reading import Problems, chosen, ids_of, moment_in, text
from vigil.web.pages.row_forms.repeated import ADD
from vigil.web.pages.row_forms.shape import Errors, FormBlock
from vigil.web.parts.fields import FormField

#: When what is written becomes public.
NOW, LATER, DRAFT = "now", "later", "draft"
#: The part of the form whose buttons fill it in from a template.
TEMPLATES = "templates"
SENDS = [(NOW, "Publish now"), (LATER, "Publish at the time below"), (DRAFT, "Keep as a draft")]
IMPACTS = [
    (PublicImpact.NONE.value, "None: they work"),
    (PublicImpact.MINOR.value, "Minor: they are slow"),
    (PublicImpact.MAJOR.value, "Major: they are partly down"),
    (PublicImpact.CRITICAL.value, "Critical: they are down"),
]


def pages_of(team: Team) -> QuerySet[StatusPage]:
    """Status pages of a team."""
    return StatusPage.objects.filter(team=team)


def components_of(team: Team) -> QuerySet[PageComponent]:
    """Components of all of a team's pages."""
    return PageComponent.objects.filter(page__team=team).select_related("page").order_by("page__title", "position")


def page_field(team: Team, sent: Sent, errors: Errors, none: str = "") -> FormField:
    """The page, with how many it tells: two queries."""
    pages = list(pages_of(team).order_by("title"))
    told = audiences(pages)
    options = [(one.public_id, f"{one.title}: tells {told[one.pk].words}") for one in pages]
    if none:
        options = [("", none), *((one.public_id, one.title) for one in pages)]
    return FormField(
        "page", "Status page", sent.get("page", ""), "select", errors=list(errors.get("page", ())), options=options,
        hint="" if none else "Subscribers are told at once, and programs read it.",
    )  # fmt: skip


def component_boxes(team: Team, sent: Sent, errors: Errors) -> FormField:
    """Components of every page: those of the chosen one are to be ticked."""
    options = [(one.public_id, f"{one.page.title}: {one.name}") for one in components_of(team)]
    return boxes("components", "Affected components", options, sent, errors, "None for the page as a whole.")


def states_field(states: Sequence[UpdateState], sent: Sent, errors: Errors) -> FormField:
    """The state of an update."""
    options = [(one.value, one.words) for one in states]
    return FormField(
        "state", "State", sent.get("state", ""), "select", errors=list(errors.get("state", ())), options=options
    )


def template_blocks(team: Team, states: Sequence[UpdateState]) -> list[FormBlock]:
    """Templates that a new one may begin with, each a button; no block without any."""
    found = UpdateTemplate.objects.filter(team=team, state__in=states).values_list("public_id", "name")
    offers = list(found)
    return [FormBlock(name=TEMPLATES, title="Begin with a template", offers=offers, offered="Use")] if offers else []


def filled_by_template(team: Team, sent: Sent, wish: str) -> dict[str, str] | None:
    """The form with what the pressed template holds: an empty title, no page and no components leave what is there."""
    button, _, public_id = wish.rpartition(".")
    if button != f"{TEMPLATES}.{ADD}":
        return None
    template = UpdateTemplate.objects.filter(team=team, public_id=public_id).select_related("page").first()
    if template is None:
        return dict(sent)
    page = template.page.public_id if template.page is not None else ""
    components = ids_of(template.components.all())
    kept = {"title": template.title, "page": page, "components": components}
    state = {"state": template.state} if "state" in sent else {}
    return {**sent, "text": template.text, **state, **{name: value for name, value in kept.items() if value}}


def moment_fields(sent: Sent, errors: Errors) -> list[FormField]:
    """When an update is public: now, at a moment, or when a person says so."""
    return [
        FormField("send", "When", sent.get("send", NOW), "select", errors=list(errors.get("send", ())), options=SENDS),
        FormField(
            "publish_at", "Publish at", sent.get("publish_at", ""), "datetime-local",
            errors=list(errors.get("publish_at", ())), hint="In UTC; only for a time that was chosen above.",
        ),
    ]  # fmt: skip


def read_moment(sent: Sent, problems: Problems) -> dict[str, Any]:
    """`is_draft` and `publish_at` of the write paths."""
    send = sent.get("send", NOW)
    at: datetime | None = moment_in(sent, "publish_at", "UTC", problems) if send == LATER else None
    if send == LATER and at is None and "publish_at" not in problems:
        problems["publish_at"] = ["Write when, such as 2027-01-31T09:00."]
    return {"is_draft": send == DRAFT, "publish_at": at}


def read_page(team: Team, sent: Sent, problems: Problems) -> StatusPage | None:
    """The chosen page; a problem where it is none."""
    found = chosen(pages_of(team), [text(sent, "page")], "page", problems)
    return found[0] if found else None


def whom(row: PublicIncident) -> list[tuple[str, str]]:
    """Whom its updates tell, and where readers see them, as lines of a meaning."""
    told = audience(row.page, list(row.components.all()))
    first: PublicUpdate | None = row.updates.first()
    when = "when you publish it" if first is None or first.is_draft else "at once"
    if first is not None and first.publish_at is not None:
        when = f"{first.publish_at:%d %b %Y %H:%M} UTC"
    readers = "Readers of the page" if row.page.enabled else "Nobody: the page is not served"
    return [(f"Subscribers: {told.words}", when), (readers, when)]
