"""Form of planned maintenance: its window, what it affects, and one tick that silences the monitors behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.clock import is_zone
from vigil.status.core.states import UpdateState
from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PublicIncident
from vigil.status.public_incidents.changes import delete_public_incident
from vigil.status.public_incidents.maintenance import save_maintenance
from vigil.status.public_incidents.updates import lock_page_of
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.forms.public.fields import (
    NOW,
    component_boxes,
    components_of,
    filled_by_template,
    moment_fields,
    page_field,
    read_moment,
    read_page,
    template_blocks,
    whom,
)
from vigil.web.pages.row_forms.reading import Problems, chosen, ids_of, lines, listed, moment_in, moment_text, text
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField


class MaintenancesForm(RowForm[PublicIncident]):
    """Its title, window and components; a new one has its first update too."""

    key, noun, section = "scheduled-maintenances", "planned maintenance", "scheduled-maintenances"
    base, place, in_documents = "settings/scheduled-maintenances", "settings", False

    def rows(self, team: Team) -> QuerySet[PublicIncident]:
        return PublicIncident.objects.filter(team=team, maintenance__isnull=False)

    def blank(self, reader: PageReader) -> PublicIncident:
        row = PublicIncident(team=reader.team)
        row.author = reader.user.get_username()  # type: ignore[attr-defined]
        return row

    def texts(self, row: PublicIncident) -> dict[str, str]:
        if not row.pk:
            return {"zone": "UTC", "is_automatic": "on", "silences": "", "send": NOW}
        window: ScheduledMaintenance = row.maintenance  # type: ignore[attr-defined]
        return {
            "title": row.title,
            "components": ids_of(row.components.all()),
            "starts_at": moment_text(window.starts_at, "UTC"),
            "ends_at": moment_text(window.ends_at, "UTC"),
            "zone": "UTC",
            "is_automatic": "on" if window.is_automatic else "",
            "silences": "on" if window.silences else "",
        }

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        title = field("title", "Title", required=True, hint="In words of readers: new disks for Chat.")
        when = [
            field("starts_at", "Begins", "datetime-local", required=True, hint="By the clock of the zone below."),
            field("ends_at", "Ends", "datetime-local", required=True),
            field("zone", "Time zone", hint="Such as Europe/Berlin."),
            field(
                "is_automatic", "It begins and ends by itself", "checkbox",
                hint="Without it, a person says that it is in progress, and that it is completed.",
            ),
        ]  # fmt: skip
        about = [
            component_boxes(team, sent, errors),
            field(
                "silences", "Silence the monitors behind them for that time", "checkbox",
                hint="Alerts are held, and the time does not count in uptime.",
            ),
        ]  # fmt: skip
        tail = [FormBlock(when, "When"), FormBlock(about, "What is affected")]
        if "send" not in sent:
            return [FormBlock([title]), *tail]
        words = field("text", "What readers see", "textarea", required=True)
        return [
            *template_blocks(team, [UpdateState.SCHEDULED]),
            FormBlock([page_field(team, sent, errors), title, words]),
            *tail,
            FormBlock(moment_fields(sent, errors), "When it is announced"),
        ]

    def read(self, team: Team, sent: Sent, row: PublicIncident) -> dict[str, Any]:
        problems: Problems = {}
        zone = text(sent, "zone") or "UTC"
        if not is_zone(zone):
            problems["zone"] = ["Unknown time zone: use a name such as Europe/Berlin."]
        wanted: dict[str, Any] = {
            "title": text(sent, "title"),
            "components": chosen(components_of(team), lines(sent, "components"), "components", problems),
            "is_automatic": bool(sent.get("is_automatic")),
            "silences": bool(sent.get("silences")),
        }
        stored = self.texts(row)
        for name in ("starts_at", "ends_at"):
            # A time that was not changed stays as it is stored, to the second.
            if not row.pk or zone != "UTC" or sent.get(name, "") != stored[name]:
                wanted[name] = moment_in(sent, name, zone, problems)
        if not row.pk:
            wanted |= {"page": read_page(team, sent, problems), "text": text(sent, "text")}
            wanted |= read_moment(sent, problems)
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return wanted

    def write(self, row: PublicIncident, wanted: Mapping[str, Any]) -> PublicIncident:
        return save_maintenance(row, {**wanted, "written_by": getattr(row, "author", "")})

    def means(self, row: PublicIncident, now: datetime) -> Meaning:
        window: ScheduledMaintenance = row.maintenance  # type: ignore[attr-defined]
        names = listed([one.name for one in row.components.all()], "the page as a whole")
        times = f"{window.starts_at:%d %b %Y %H:%M} to {window.ends_at:%d %b %Y %H:%M} UTC"
        warnings = [] if window.is_automatic else ["It begins and ends only when a person says so."]
        if row.page.components.exists() and not window.silences:
            warnings.append("Alerts are sent as ever: no monitor is silenced.")
        return Meaning(f"On {row.page.title}: {names}, from {times}.", "Whom it tells", whom(row), warnings)

    def address(self, row: PublicIncident) -> str:
        return reverse("public-incident", args=[row.public_id])

    def index(self) -> str:
        return reverse("publishing")

    def filled(self, team: Team, sent: Sent, wish: str) -> dict[str, str] | None:
        return filled_by_template(team, sent, wish)

    def lock_first(self, team: Team, public_id: str) -> None:
        lock_page_of(team, public_id)

    def delete(self, row: PublicIncident) -> None:
        delete_public_incident(row)

    def losses(self, row: PublicIncident) -> list[str]:
        return ["Readers see it no more, and the silence that was made with it ends."]
