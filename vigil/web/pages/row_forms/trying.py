"""Saves of row forms: over the version that the form was opened on, or only tried, so that nothing of it stays."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction
from django.db.models import Model
from django.http import Http404

from vigil.clock import database_now
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.export import export_object
from vigil.configuration import configuration
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.monitor_forms.edit import ChangedMeanwhile
from vigil.web.pages.monitor_forms.patches import taken_back
from vigil.web.pages.row_forms.shape import Meaning, RowForm, signature
from vigil.web.pages.shell import PageReader
from vigil.web.pages.start.code_beside import SameAsCode

RowT = TypeVar("RowT", bound=Model)


@dataclass(frozen=True, slots=True)
class RowPreview:
    """What a form would mean if it were saved, and the same as code where that was asked for."""

    means: Meaning
    code: SameAsCode | None = None


def locked(form: RowForm[RowT], reader: PageReader, public_id: str) -> RowT:
    """A row of the reader's team, locked for this transaction; raises `Http404`."""
    form.lock_first(reader.team, public_id[:40])
    rows = form.rows(reader.team).select_for_update(of=("self",)).filter(**{form.lookup: public_id[:40]})
    # The request that held the lock may have put a successor in its place, which only a second look sees.
    found = rows.first() or rows.first()
    if found is None:
        raise Http404
    return found


def found(form: RowForm[RowT], reader: PageReader, public_id: str) -> RowT:
    """A row of the reader's team, which nothing is locked for; raises `Http404`."""
    row = form.rows(reader.team).filter(**{form.lookup: public_id[:40]}).first()
    if row is None:
        raise Http404
    return row


def save(form: RowForm[RowT], reader: PageReader, public_id: str, sent: Sent) -> RowT:
    """Save a sent form, of a new row without an id. Raises `ValidationError` by field, and `ChangedMeanwhile`."""
    with transaction.atomic():
        row = locked(form, reader, public_id) if public_id else form.blank(reader)
        if public_id and sent.get("revision") != signature(form.texts(row)):
            raise ChangedMeanwhile
        return form.write(row, form.read(reader.team, sent, row))


def tried(form: RowForm[RowT], reader: PageReader, public_id: str, sent: Sent, as_code: bool = False) -> RowPreview:
    """What a form would mean. It is saved and taken back; raises `ValidationError` by field."""
    with taken_back():
        row = found(form, reader, public_id) if public_id else form.blank(reader)
        saved = form.write(row, form.read(reader.team, sent, row))
        means = form.means(saved, database_now())
        code = _as_code(form, reader, saved, sent) if as_code else None
    return RowPreview(means, code)


def _as_code(form: RowForm[RowT], reader: PageReader, saved: RowT, sent: Sent) -> SameAsCode:
    document = export_object(reader.team, form.public_id(saved))
    body = form.body(form.read(reader.team, sent, saved))
    given = {name: value for name, value in body.items() if value not in (None, "", [])}
    address = f"{configuration().base_url}/api/v1/{form.section}"
    text = shlex.quote(json.dumps(given, ensure_ascii=False))
    curl = f'curl {address} \\\n  -H "Authorization: Bearer $VIGIL_TOKEN" \\\n  --json {text}\n'
    return SameAsCode(to_yaml(document), curl)
