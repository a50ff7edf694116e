"""Status pages: the list of a team's, the preview of one, and the form with its components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from vigil.accounts.models import Team
from vigil.clock import database_now
from vigil.feeds.core.catalogue import SOURCES
from vigil.monitors.core.providers import name_of
from vigil.monitors.models import Monitor
from vigil.status.addresses import address_of
from vigil.status.changes import delete_status_page, save_status_page
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.access import PageVisibility
from vigil.status.core.document import project
from vigil.status.core.domains import PREFIX
from vigil.status.core.languages import LANGUAGES
from vigil.status.core.subscriber_terms import KIND_WORDS
from vigil.status.models import StatusPage
from vigil.status.page_checks import PASSWORD_LEAST
from vigil.status.reading import read_facts
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import FIND, SHOWN, found_monitors, monitors_of, names_of
from vigil.web.pages.row_forms.reading import Problems, chosen, lines, listed, text
from vigil.web.pages.row_forms.repeated import rows_of, with_rows
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RepeatedRow, RowForm
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField
from vigil.web.serving.status_pages import frame_of

COMPONENTS, OF_TAG = "components", "tag:"
TAGS_OFFERED = 5
#: Fields that are stored as they are sent, without spaces around them.
_TEXTS = ("title", "slug", "domain", "language", "accent", "visibility", "header", "footer")
_PROVIDERS = [("", "None"), *((key, name_of(key)) for key in sorted(SOURCES))]
_VISIBILITIES = [
    (PageVisibility.PUBLIC.value, "Everyone who knows its address"),
    (PageVisibility.PASSWORD.value, "Everyone who knows its password"),
    (PageVisibility.TEAM.value, "Members of the team who are signed in"),
    (PageVisibility.ADDRESSES.value, "Everyone in its networks"),
]


_KINDS = [(kind.value, words) for kind, words in KIND_WORDS.items()]


class StatusPagesForm(RowForm[StatusPage]):
    """Its address and texts, who may read it, and its components."""

    key, noun, section, base = "status-pages", "status page", "status-pages", "settings/status-pages"
    place = "settings"
    repeats = {COMPONENTS: MAX_COMPONENTS}

    def rows(self, team: Team) -> QuerySet[StatusPage]:
        return StatusPage.objects.filter(team=team)

    def blank(self, reader: PageReader) -> StatusPage:
        return StatusPage(team=reader.team)

    def texts(self, row: StatusPage) -> dict[str, str]:
        texts = {name: getattr(row, name) for name in _TEXTS}
        texts["networks"] = "\n".join(row.networks)
        texts["subscriber_kinds"] = "\n".join(row.subscriber_kinds)
        parts = row.components.select_related("monitor") if row.pk else ()
        rows = [
            {"is": one.monitor.public_id if one.monitor else f"{OF_TAG}{one.tag}", "name": one.name,
             "group": one.group, "description": one.description, "provider": one.provider,
             "shows_latency": "on" if one.shows_latency else ""}
            for one in parts
        ]  # fmt: skip
        return with_rows({**texts, "enabled": "on" if row.enabled else ""}, COMPONENTS, rows)

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        own = [
            field("title", "Title", required=True, hint="As readers know you, such as Acme AI."),
            field("slug", "Address", required=True, hint=f"What follows {PREFIX}, such as acme."),
            field("domain", "Own domain", hint="May be empty. It has to lead to Vigil, such as status.example.com."),
        ]
        access = [
            field("visibility", "Who may read it", "select", options=_VISIBILITIES),
            field(
                "password", "Password", "password", autocomplete="new-password",
                hint=f"At least {PASSWORD_LEAST} characters. Empty keeps the one that it has.",
            ),
            field("networks", "Networks", "textarea", hint="One a line, such as 10.0.0.0/8, 2001:db8::/32."),
            field("enabled", "It is served", "checkbox"),
            field(
                "subscriber_kinds", "How they may subscribe", "checks", options=_KINDS,
                hint="Feeds are there always. By mail it needs a mail server in VIGIL_EMAIL_URL.",
            ),
        ]  # fmt: skip
        words = [
            field(
                "language",
                "Language",
                "select",
                options=[(tag, one.name) for tag, one in LANGUAGES.items()],
                hint="Of the words that are not yours.",
            ),
            field("accent", "Colour of links", hint="Such as #0b6784. Made darker or lighter where needed to be read."),
            field("header", "Text above the components", "textarea", hint="Markdown."),
            field("footer", "Text at the end", "textarea", hint="Markdown."),
        ]
        return [
            FormBlock(own),
            _components(team, sent, errors),
            FormBlock(access, title="Readers"),
            FormBlock(words, title="Language, colour and texts", folds=True),
        ]

    def read(self, team: Team, sent: Sent, row: StatusPage) -> dict[str, Any]:
        problems: Problems = {}
        given = rows_of(sent, COMPONENTS, MAX_COMPONENTS)
        ids = [one.get("is", "") for one in given if not one.get("is", "").startswith(OF_TAG)]
        monitors = {one.public_id: one for one in chosen(monitors_of(team), ids, COMPONENTS, problems)}
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        wanted: dict[str, Any] = {name: text(sent, name) for name in _TEXTS}
        if sent.get("password"):
            wanted["password"] = sent["password"]
        wanted["networks"] = lines(sent, "networks")
        wanted["subscriber_kinds"] = lines(sent, "subscriber_kinds")
        return {**wanted, "enabled": bool(sent.get("enabled")), "components": [_wanted(one, monitors) for one in given]}

    def body(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        parts = [
            {**one, "monitor": one["monitor"].public_id if one["monitor"] else None} for one in wanted["components"]
        ]
        # A password is not shown again, also not to who has just typed it.
        return {**{name: one for name, one in wanted.items() if name != "password"}, "components": parts}

    def write(self, row: StatusPage, wanted: Mapping[str, Any]) -> StatusPage:
        return save_status_page(row, wanted)

    def means(self, row: StatusPage, now: datetime) -> Meaning:
        names = [one.name for one in row.components.all()]
        readers = dict(_VISIBILITIES)[row.visibility]
        sees = "see" if row.visibility == PageVisibility.TEAM else "sees"
        address = address_of(row)
        warnings = [] if row.enabled else ["It is not served until it is switched on."]
        if not names:
            warnings.append("It has no component: it shows public incidents alone.")
        sentence = f"{readers} {sees} how {listed(names, 'nothing')} {'is' if len(names) < 2 else 'are'} at {address}."
        shown = "Public names, states, uptime of 90 days and what you write. No monitor, target, region or reason."
        return Meaning(sentence, "What it shows", [(shown, "within 2 s")], warnings)

    def address(self, row: StatusPage) -> str:
        return self.index()

    def index(self) -> str:
        return reverse("settings-status-pages")

    def delete(self, row: StatusPage) -> None:
        delete_status_page(row)

    def losses(self, row: StatusPage) -> list[str]:
        count, told = row.incidents.count(), row.subscribers.count()
        gone = f" with {count} public incident{'' if count == 1 else 's'}" if count else ""
        left = [f"{told} subscriber{' is' if told == 1 else 's are'} forgotten."] if told else []
        return [f"Its address answers no more{gone}.", *left]


def _wanted(one: Mapping[str, str], monitors: Mapping[str, Monitor]) -> dict[str, Any]:
    about, monitor = one.get("is", ""), monitors.get(one.get("is", ""))
    tag = about.removeprefix(OF_TAG) if about.startswith(OF_TAG) else ""
    # A name that was left empty is never that of the monitor, which may say more than readers should know.
    texts = {name: one.get(name, "").strip() for name in ("name", "group", "description", "provider")}
    return {**texts, "monitor": monitor, "tag": tag, "shows_latency": bool(one.get("shows_latency"))}


def _components(team: Team, sent: Sent, errors: Errors) -> FormBlock:
    given = rows_of(sent, COMPONENTS, MAX_COMPONENTS)
    ids = [one.get("is", "") for one in given]
    names = dict(names_of(monitors_of(team).filter(public_id__in=ids)))
    rows = [_component(number, one, names, number < len(given) - 1) for number, one in enumerate(given)]
    sought = sent.get(FIND + COMPONENTS, "").strip()[:100]
    offers = [one for one in found_monitors(team, sought) if one[0] not in ids][:SHOWN]
    offers += [(f"{OF_TAG}{tag}", f"All with the tag {tag}") for tag in _tags(team, sought) if OF_TAG + tag not in ids]
    search = FormField(FIND + COMPONENTS, "Find a monitor, job, composite or tag", sought,
                       errors=list(errors.get(COMPONENTS, ())))  # fmt: skip
    return FormBlock(
        title="Components", hint="Each has a public name, which readers see in place of its own.", name=COMPONENTS,
        rows=rows, adds="Find", choice=search, finds=True, offers=offers,
    )  # fmt: skip


def _component(number: int, one: Mapping[str, str], names: Mapping[str, str], falls: bool) -> RepeatedRow:
    about, prefix = one.get("is", ""), f"{COMPONENTS}.{number}."
    tag = about.removeprefix(OF_TAG) if about.startswith(OF_TAG) else ""
    title = f"All with the tag {tag}" if tag else names.get(about, "A deleted monitor")
    fields = [
        FormField(f"{prefix}name", "Public name", one.get("name", ""), required=True),
        FormField(f"{prefix}group", "Group", one.get("group", ""), hint="May be empty."),
        FormField(f"{prefix}description", "What it is", one.get("description", ""), hint="A line; may be empty."),
        FormField(
            f"{prefix}provider",
            "Provider behind it",
            one.get("provider", ""),
            "select",
            options=_PROVIDERS,
            hint="Its status page is quoted while this is in trouble. Its feed has to be on.",
        ),
        FormField(f"{prefix}shows_latency", "Show its response times", one.get("shows_latency", ""), "checkbox"),
    ]
    return RepeatedRow(number, title, fields, [("is", about)], number > 0, falls)


def _tags(team: Team, sought: str) -> list[str]:
    rows = monitors_of(team).exclude(tags=[]).values_list("tags", flat=True)[:1_000]
    tags = {tag for each in rows for tag in each if isinstance(tag, str) and sought.lower() in tag.lower()}
    return sorted(tags)[:TAGS_OFFERED]


@require_safe
@page
def status_pages(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Status pages of the team, with their addresses."""
    rows = StatusPage.objects.filter(team=reader.team).annotate(parts=Count("components"))
    shown = {"pages": [(one, address_of(one)) for one in rows]}
    return render_section(request, reader, "status-pages", "status_pages.html", shown)


@require_safe
@page
def preview(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The page as readers would see it now, also while it is not served."""
    row = get_object_or_404(StatusPage.objects.select_related("team"), team=reader.team, public_id=public_id[:40])
    made = project(read_facts(row, database_now()), frame_of(row))
    return HttpResponse(made.files[""].plain, content_type=made.files[""].content_type)
