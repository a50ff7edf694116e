"""Form of composites: members that are found by name, a rule, and what the rule means in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.monitors.changes import delete_monitor
from vigil.monitors.composites import MEMBERS_MOST, Member, create_composite, members_of, update_composite
from vigil.monitors.core.composite_rules import RANKED, CompositeRule
from vigil.monitors.models import Composite, DerivedKind, Monitor
from vigil.read_models.users import users_of
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.monitor_forms.deletion import consequences
from vigil.web.pages.row_forms.picking import FIND, SHOWN, found_monitors, monitors_of, names_of
from vigil.web.pages.row_forms.reading import Problems, chosen, listed, text, whole, words
from vigil.web.pages.row_forms.repeated import rows_of, with_rows
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RepeatedRow, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

MEMBERS = "members"
_RULES = [
    (CompositeRule.ANY.value, "One member that works is enough"),
    (CompositeRule.ALL.value, "Every member has to work"),
    (CompositeRule.AT_LEAST.value, "At least a number of members has to work"),
    (CompositeRule.CHAIN.value, "One serves, the others stand in by their rank"),
    (CompositeRule.READINESS.value, "The same, and it warns while no fallback could take over"),
]
_ON_RULES = "After a change, “Show what it means” asks for the ranks or the number that it needs."


class CompositesForm(RowForm[Composite]):
    """A name, a rule and members."""

    key, noun, section, base = "composites", "composite monitor", "composites", "composites"
    place, lookup = "overview", "monitor__public_id"
    repeats = {MEMBERS: MEMBERS_MOST}

    def rows(self, team: Team) -> QuerySet[Composite]:
        return Composite.objects.filter(monitor__team=team, monitor__deleted_at=None).select_related("monitor__team")

    def blank(self, reader: PageReader) -> Composite:
        made = Monitor(team=reader.team, kind=DerivedKind.COMPOSITE)
        return Composite(monitor=made, rule=CompositeRule.ANY)

    def texts(self, row: Composite) -> dict[str, str]:
        members = members_of(row) if row.pk else []
        texts = {
            "name": row.monitor.name,
            "rule": row.rule,
            "k": str(row.k),
            "tags": ", ".join(row.monitor.tags),
            "paused": "on" if row.monitor.paused else "",
        }
        rows = [{"is": one.monitor.public_id, "rank": str(one.rank), "group": one.group} for one in members]
        return with_rows(texts, MEMBERS, rows)

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        own = [field("name", "Name", required=True), field("rule", "Rule", "select", options=_RULES, hint=_ON_RULES)]
        if sent.get("rule") == CompositeRule.AT_LEAST or errors.get("k"):
            own.append(field("k", "How many have to work", "number"))
        rest = [
            field("tags", "Tags", hint="Words between commas, such as prod, chat."),
            field("paused", "Paused", "checkbox", hint="It then decides nothing; its members go on."),
        ]
        return [FormBlock(own), _members(team, sent, errors), FormBlock(rest)]

    def read(self, team: Team, sent: Sent, row: Composite) -> dict[str, Any]:
        problems: Problems = {}
        given = rows_of(sent, MEMBERS, MEMBERS_MOST)
        monitors = chosen(monitors_of(team), [one.get("is", "") for one in given], MEMBERS, problems)
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        members = []
        for number, (monitor, one) in enumerate(zip(monitors, given, strict=True)):
            rank = whole(sent, f"{MEMBERS}.{number}.rank", problems, 2) if one.get("rank") else 0
            members.append(Member(monitor, rank, one.get("group", "").strip()))
        wanted: dict[str, Any] = {"name": text(sent, "name"), "rule": sent.get("rule", ""), "members": members}
        if wanted["rule"] not in set(CompositeRule):
            problems["rule"] = ["Choose a rule."]
        k = whole(sent, "k", problems, 3) if text(sent, "k") else row.k
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return {**wanted, "k": k, "tags": words(sent, "tags"), "paused": bool(sent.get("paused"))}

    def write(self, row: Composite, wanted: Mapping[str, Any]) -> Composite:
        if row._state.adding:
            return create_composite(row.monitor.team, wanted)
        if wanted["name"] == row.monitor.name:
            # A name from before there were rules for names does not stand in the way.
            wanted = {name: value for name, value in wanted.items() if name != "name"}
        update_composite(row, wanted)
        return self.rows(row.monitor.team).get(pk=row.pk)

    def means(self, row: Composite, now: datetime) -> Meaning:
        members = members_of(row)
        ranks = sorted({one.rank for one in members})
        names = {rank: [one.monitor.name for one in members if one.rank == rank] for rank in ranks}
        return Meaning(rule_in_words(CompositeRule(row.rule), row.k, list(names.values())))

    def address(self, row: Composite) -> str:
        return reverse("monitor", args=[row.monitor.public_id])

    def index(self) -> str:
        return reverse("home")

    def delete(self, row: Composite) -> None:
        delete_monitor(row.monitor)

    def losses(self, row: Composite) -> list[str]:
        return [*(f"The {used} loses it." for used in users_of(row)), *consequences(row.monitor)]

    def public_id(self, row: Composite) -> str:
        return row.monitor.public_id

    def body(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        members = [
            {"monitor": one.monitor.public_id, "rank": one.rank, "group": one.group} for one in wanted["members"]
        ]
        return super().body({**wanted, "members": members})


def rule_in_words(rule: CompositeRule, k: int, ranks: Sequence[Sequence[str]]) -> str:
    """What a rule means for members by their rank: `Down only when a, b and c are all down. Degraded when …`."""
    names = [name for rank in ranks for name in rank]
    if len(names) < 2:
        return f"It is what {names[0]} is." if names else "It has no member, so it is unknown."
    whole_ = listed(names, "")
    if rule is CompositeRule.ALL:
        return f"Down as soon as one of {whole_} is down."
    if rule is CompositeRule.ANY:
        return f"Down only when {whole_} are all down. Degraded while one of them is down."
    if rule is CompositeRule.AT_LEAST:
        works = "works" if k == 1 else "work"
        return f"Up while {k} or more of {whole_} {works}. Degraded while one of them is down, down below {k}."
    first, *others = ranks
    serves = f"{listed(first, '', 5)} {'serves' if len(first) == 1 else 'serve; one of them is enough'}."
    if not others:
        return f"{serves} Nothing stands in."
    turn = ", then ".join(listed(rank, "") for rank in others)
    takes = "takes over" if len(names) - len(first) == 1 else "take over"
    warns = " Degraded as well while none of them could take over." if rule is CompositeRule.READINESS else ""
    return f"{serves} While that is down, {turn} {takes}, and it is degraded. Down when all are.{warns}"


def _members(team: Team, sent: Sent, errors: Errors) -> FormBlock:
    given = rows_of(sent, MEMBERS, MEMBERS_MOST)
    ids = [one.get("is", "")[:40] for one in given]
    names = dict(names_of(monitors_of(team).filter(public_id__in=ids)))
    is_chain = sent.get("rule") in RANKED
    rows = [_member(number, one, names, is_chain, errors) for number, one in enumerate(given)]
    sought = sent.get(FIND + MEMBERS, "").strip()[:100]
    offers = [one for one in found_monitors(team, sought) if one[0] not in ids][:SHOWN]
    search = FormField(FIND + MEMBERS, "Find a monitor", sought, errors=list(errors.get(MEMBERS, ())))
    hint = "Rank 0 serves. Higher ranks stand in, in order." if is_chain else "In any order."
    return FormBlock(
        title="Members", hint=hint, name=MEMBERS, rows=rows, adds="Find", choice=search, finds=True, offers=offers
    )


def _member(
    number: int, one: Mapping[str, str], names: Mapping[str, str], is_chain: bool, errors: Errors
) -> RepeatedRow:
    title, prefix = names.get(one.get("is", ""), "A deleted monitor"), f"{MEMBERS}.{number}."
    rank, group = one.get("rank", "") or "0", one.get("group", "")
    if not is_chain:
        return RepeatedRow(number, title, (), [("is", one.get("is", "")), ("rank", rank), ("group", group)])
    wrong = list(errors.get(f"{prefix}rank", ()))
    fields = [
        FormField(f"{prefix}rank", "Rank", rank, "number", errors=wrong),
        FormField(f"{prefix}group", "Group", group, hint="Such as the model it serves; may be empty."),
    ]
    return RepeatedRow(number, title, fields, [("is", one.get("is", ""))])
