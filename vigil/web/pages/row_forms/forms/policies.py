"""Form of escalation policies: steps in order, each with whom it calls, and the whole as a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.alerts.models import EscalationPolicy
from vigil.alerts.routing.changes import MAX_STEPS, save_policy
from vigil.alerts.routing.escalations import steps_of, targets_of
from vigil.alerts.wording.text import duration as in_words
from vigil.code.core.durations import duration
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import Options, boxes, channels_of, names_of, people_of, rotations_of
from vigil.web.pages.row_forms.reading import Problems, chosen, ids_of, lines, listed, seconds, text, whole
from vigil.web.pages.row_forms.repeated import rows_of, with_rows
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RepeatedRow, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

STEPS = "steps"
_TARGETS = (("rotations", "Who is on call for"), ("people", "People"), ("channels", "Channels"))
_SOURCES: Mapping[str, Any] = {"rotations": rotations_of, "people": people_of, "channels": channels_of}


class PoliciesForm(RowForm[EscalationPolicy]):
    """A name, how often it repeats, and its steps."""

    key, noun, section, base = "policies", "escalation policy", "policies", "on-call/policies"
    repeats = {STEPS: MAX_STEPS}

    def rows(self, team: Team) -> QuerySet[EscalationPolicy]:
        return EscalationPolicy.objects.filter(team=team)

    def blank(self, reader: PageReader) -> EscalationPolicy:
        return EscalationPolicy(team=reader.team)

    def texts(self, row: EscalationPolicy) -> dict[str, str]:
        texts = {"name": row.name, "repeats": str(row.repeats)}
        if not row.pk:
            return with_rows(texts, STEPS, [{"delay": "0s"}])
        steps = [
            {"delay": duration(step.delay_s * 1000)}
            | {name: ids_of(sorted(getattr(step, name).all(), key=lambda one: one.name)) for name, _ in _TARGETS}
            for step in steps_of(row.pk)
        ]
        return with_rows(texts, STEPS, steps)

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        options = {name: names_of(_SOURCES[name](team)) for name, _ in _TARGETS}
        name = FormField("name", "Name", sent.get("name", ""), errors=list(errors.get("name", ())), required=True)
        again = FormField(
            "repeats", "Repeats", sent.get("repeats", ""), "number", "How often it begins anew after its last step.",
            list(errors.get("repeats", ())), unit="times",
        )  # fmt: skip
        given = rows_of(sent, STEPS, MAX_STEPS)
        rows = [
            RepeatedRow(number, f"Step {number + 1}", _step(number, options, sent, errors), (), number > 0,
                        number < len(given) - 1)
            for number in range(len(given))
        ]  # fmt: skip
        hint = "Each begins when no one has acknowledged since the one before."
        return [FormBlock([name]), FormBlock(title="Step", hint=hint, name=STEPS, rows=rows, adds="Add a step"),
                FormBlock([again])]  # fmt: skip

    def read(self, team: Team, sent: Sent, row: EscalationPolicy) -> dict[str, Any]:
        problems: Problems = {}
        steps = []
        for number, _ in enumerate(rows_of(sent, STEPS, MAX_STEPS)):
            prefix = f"{STEPS}.{number}."
            step: dict[str, Any] = {"delay_s": seconds(sent, f"{prefix}delay", problems) or 0}
            for name, _label in _TARGETS:
                field = prefix + name
                step[name] = chosen(_SOURCES[name](team), lines(sent, field), field, problems)
            steps.append(step)
        repeats = whole(sent, "repeats", problems) if text(sent, "repeats") else 0
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return {"name": text(sent, "name"), "repeats": repeats, "steps": steps}

    def write(self, row: EscalationPolicy, wanted: Mapping[str, Any]) -> EscalationPolicy:
        return save_policy(row, wanted)

    def means(self, row: EscalationPolicy, now: datetime) -> Meaning:
        told, lines_, warnings, waited = [], [], [], timedelta()
        for number, step in enumerate(steps_of(row.pk)):
            waited += timedelta(seconds=step.delay_s)
            named = [f"who is on call for {one.name}" for one in step.rotations.all()]
            named += [one.name for one in step.people.all()] + [one.name for one in step.channels.all()]
            told.append(f"{_after(step.delay_s, number)} it calls {listed(named, 'no one')}.")
            targets = targets_of(step, now + waited)
            lines_.append((listed(targets.words, "No one"), f"after {in_words(waited)}" if waited else "at once"))
            warnings += [f"Step {number + 1} leads nowhere: {one}." for one in targets.nowhere]
        if row.repeats:
            told.append(f"Then it begins anew, {row.repeats} time{'' if row.repeats == 1 else 's'}.")
        told.append("It ends when a person acknowledges.")
        return Meaning(" ".join(told), "If it began now", lines_, warnings)

    def address(self, row: EscalationPolicy) -> str:
        return reverse("policy", args=[row.public_id])

    def index(self) -> str:
        return reverse("on-call")


def _step(number: int, options: Mapping[str, Options], sent: Sent, errors: Errors) -> list[FormField]:
    prefix = f"{STEPS}.{number}."
    # The write path names a step by its number.
    wrong = [one for one in errors.get(STEPS, ()) if one.startswith(f"Step {number + 1} ")]
    delay = FormField(
        f"{prefix}delay", "After", sent.get(f"{prefix}delay", "") or "5m", hint="Such as 0s for at once, 5m or 1h.",
        errors=[*errors.get(f"{prefix}delay", ()), *wrong],
    )  # fmt: skip
    found = [boxes(prefix + name, label, options[name], sent, errors) for name, label in _TARGETS]
    return [delay, *(one for one in found if one.options or one.value or one.sought)]


def _after(delay_s: int, number: int) -> str:
    if not delay_s:
        return "At once" if number == 0 else "With it"
    wait = in_words(timedelta(seconds=delay_s))
    return f"After {wait}" if number == 0 else f"{wait} later" if wait[:1].isdigit() else f"After {wait} more"
