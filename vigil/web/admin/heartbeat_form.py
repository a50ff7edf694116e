"""Heartbeat form of the admin: the typed fields of the pages, saved by the write path."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from vigil.accounts.teams import default_team
from vigil.heartbeats import changes
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import Heartbeat
from vigil.web.admin.typed.fields import form_fields
from vigil.web.forms.heartbeat_form import heartbeat_fields, heartbeat_texts, read_heartbeat
from vigil.web.forms.settings_form import texts_of

_JOBS = [("", "none of these"), *((one.job, f"{one.title} ({one.job})") for one in SUGGESTIONS.values())]
#: Fields at which errors stand that are about a whole group of them.
_FIRST_OF = {"budget": "budget.min_items", "keywords": "keywords.success"}


class HeartbeatForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name and tags belong to the monitor; the rest to the heartbeat. Made with its fields by `heartbeat_form`."""

    class Meta:
        model = Heartbeat
        fields: ClassVar[tuple[str, ...]] = ()

    saved: Heartbeat

    def __init__(self, data: QueryDict | None = None, *args: Any, **options: Any) -> None:
        self.sent = data
        super().__init__(data, *args, **options)

    def _post_clean(self) -> None:
        """Validates by the write path, in a transaction that is rolled back on errors."""
        if self.errors or self.sent is None:
            return
        try:
            self.saved = self._write(self.sent)
        except ValidationError as refused:
            for name, problems in refused.message_dict.items():
                field = _FIRST_OF.get(name, name)
                self.add_error(field if field in self.fields else None, problems)

    def _write(self, sent: QueryDict) -> Heartbeat:
        row = self.instance if self.instance.pk else None
        job = str(self.cleaned_data.get("job") or "")
        # Of a suggested job the times are suggested too: what stands in their fields is not read.
        texts = {**texts_of(sent), **({"period_s": "1h", "grace_s": "1h", "run_limit_s": ""} if job else {})}
        wanted = read_heartbeat(texts, row)
        if job:
            wanted = {name: value for name, value in wanted.items() if name not in SUGGESTIONS[job].terms}
            wanted["job"] = job
        if row is not None:
            return changes.update_heartbeat(row, wanted)
        return changes.create_heartbeat(default_team(), wanted)


def heartbeat_form(row: Heartbeat | None) -> type[HeartbeatForm]:
    """The form of a heartbeat, or of a new one with a choice of usual jobs."""
    fields = form_fields(heartbeat_fields(heartbeat_texts(row), {}).values())
    if row is None:
        hint = "Sets a suggested schedule and grace; those fields are then ignored."
        fields["job"] = forms.ChoiceField(choices=_JOBS, required=False, label="kind of job", help_text=hint)
    made: type[HeartbeatForm] = type("HeartbeatForm", (HeartbeatForm,), fields)
    return made
