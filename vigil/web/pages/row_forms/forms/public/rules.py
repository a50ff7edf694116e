"""Form of a rule that publishes by itself: which failure of a component, after how long, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.code.core.durations import duration
from vigil.status.audience import audience
from vigil.status.core.states import PublicImpact, RuleKind
from vigil.status.incident_models import PublicationRule
from vigil.status.public_incidents.prepared import lock_page_of_rule, save_publication_rule
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.forms.public.fields import IMPACTS, components_of
from vigil.web.pages.row_forms.reading import Problems, chosen, seconds, text
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

_KINDS = [(RuleKind.OUTAGE.value, "An outage, or a job that fails"), (RuleKind.DEGRADED.value, "It is slow")]


class PublicationRulesForm(RowForm[PublicationRule]):
    """The component and its failure, and the words of the team."""

    key, noun, section = "publication-rules", "publication rule", "publication-rules"
    base, place, in_documents = "settings/publication-rules", "settings", False
    renamed = {"after_s": "after"}

    def rows(self, team: Team) -> QuerySet[PublicationRule]:
        return PublicationRule.objects.filter(team=team)

    def blank(self, reader: PageReader) -> PublicationRule:
        return PublicationRule(
            team=reader.team, impact=PublicImpact.MAJOR, text="We see a problem and are looking into it.",
            closing_text="The problem is over.",
        )  # fmt: skip

    def texts(self, row: PublicationRule) -> dict[str, str]:
        texts = {name: getattr(row, name) for name in ("kind", "impact", "title", "text", "closing_text")}
        component = row.component.public_id if row.component_id else ""
        after = duration(row.after_s * 1000)
        return {**texts, "component": component, "after": after, "enabled": "on" if row.enabled else ""}

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        options = [(one.public_id, f"{one.page.title}: {one.name}") for one in components_of(team)]
        when = [
            field("component", "Component", "select", options=options),
            field("kind", "When it has", "select", options=_KINDS),
            field("after", "For at least", required=True, hint="Such as 5m; 0s for at once."),
            field("enabled", "It is on", "checkbox"),
        ]
        words = [
            field("title", "Title", required=True, hint="In words of readers: Chat is down."),
            field("text", "What readers see first", "textarea", required=True),
            field("closing_text", "What they see when it is over", "textarea", required=True),
            field("impact", "Impact", "select", options=IMPACTS),
        ]
        return [FormBlock(when), FormBlock(words, "What is said")]

    def read(self, team: Team, sent: Sent, row: PublicationRule) -> dict[str, Any]:
        problems: Problems = {}
        after_s = 0 if text(sent, "after") in ("0", "0s") else seconds(sent, "after", problems)
        if after_s is None and "after" not in problems:
            problems["after"] = ["Write how long, such as 5m."]
        found = chosen(components_of(team), [text(sent, "component")], "component", problems)
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        texts = {name: text(sent, name) for name in ("kind", "impact", "title", "text", "closing_text")}
        return {**texts, "component": found[0], "after_s": after_s, "enabled": bool(sent.get("enabled"))}

    def lock_first(self, team: Team, public_id: str) -> None:
        lock_page_of_rule(team, public_id)

    def write(self, row: PublicationRule, wanted: Mapping[str, Any]) -> PublicationRule:
        return save_publication_rule(row, wanted)

    def means(self, row: PublicationRule, now: datetime) -> Meaning:
        what = "an outage" if row.kind == RuleKind.OUTAGE else "slow answers"
        after = duration(row.after_s * 1000) if row.after_s else "0s"
        told = audience(row.component.page, [row.component])
        sentence = f"After {after} of {what}, {row.component.page.title} says “{row.title}” without a person."
        lines = [
            (f"Subscribers: {told.words}", "when it begins and ends"),
            ("Whoever writes an update takes it over", "from then on"),
        ]
        return Meaning(sentence, "Whom it tells", lines, [] if row.enabled else ["It is off."])

    def address(self, row: PublicationRule) -> str:
        return reverse("publishing")

    def index(self) -> str:
        return reverse("publishing")

    def losses(self, row: PublicationRule) -> list[str]:
        return ["Nothing is published by itself any more. What it has begun ends in the words that every team has."]
