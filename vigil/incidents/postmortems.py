"""Write path of postmortems: what people write about an incident afterwards, in Markdown."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.incidents.models import Incident, Postmortem
from vigil.monitors.live.version import touch

MAX_LENGTH = 50_000


def write_postmortem(incident: Incident, text: str, actor: str) -> Postmortem | None:
    """Write or replace the postmortem of an incident; an empty text deletes it. Raises `ValidationError` by field."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_LENGTH:
        raise ValidationError({"text": [f"At most {MAX_LENGTH:,} characters."]})
    if "\x00" in text:
        raise ValidationError({"text": ["A NUL character cannot be stored."]})
    with transaction.atomic():
        touch(incident.team_id)
        if not text:
            Postmortem.objects.filter(incident=incident).delete()
            return None
        wanted = {"text": text, "written_by": actor[:120]}
        return Postmortem.objects.update_or_create(incident=incident, defaults=wanted)[0]
