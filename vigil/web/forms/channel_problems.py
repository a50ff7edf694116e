"""Problems of a channel, by the names of the fields of its form."""

from __future__ import annotations

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from vigil.web.forms.channel_form import CONFIG, SECRET, channel_fields
from vigil.web.forms.errors import errors_by_field

#: Fields of every channel.
_OWN = frozenset({"name", "fallback", "gather", "notices", "self_test_minutes"})


def channel_problems(kind: str, refused: ValidationError) -> dict[str, list[str]]:
    """What is wrong, by field; what no field of the kind names belongs to the form as a whole."""
    fields = channel_fields(kind, {}, frozenset())
    known = {one.name for one in (*fields.first, *fields.more)} | _OWN
    single = fields.first[0].name if len(fields.first) == 1 else NON_FIELD_ERRORS
    found: dict[str, list[str]] = {}
    for name, texts in errors_by_field(refused).items():
        place = next((one for one in (f"{CONFIG}{name}", f"{SECRET}{name}", name) if one in known), single)
        found.setdefault(place, []).extend(texts)
    return found
