"""Heartbeat form of the admin: validated and saved by the write path."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from vigil.accounts.teams import default_team
from vigil.heartbeats import changes
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.models import Priority
from vigil.web.admin.pieces import AdmittedJSONField, PrettyJSONField

_JOBS = [("", "none of these"), *((one.job, f"{one.title} ({one.job})") for one in SUGGESTIONS.values())]


class HeartbeatForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name and tags belong to the monitor; the rest to the heartbeat."""

    name = forms.CharField(max_length=200)
    tags = AdmittedJSONField(required=False, initial=list, help_text='A list of words: ["embeddings", "nightly"].')
    priority = forms.ChoiceField(
        choices=Priority.choices, required=False, initial=Priority.NORMAL, help_text="Routes may match it."
    )
    job = forms.ChoiceField(
        choices=_JOBS,
        required=False,
        label="kind of job",
        help_text="Sets a suggested schedule and grace; the fields below are then ignored.",
    )
    slug = forms.CharField(max_length=100, required=False, help_text="If empty, it is made from the name.")
    keywords = PrettyJSONField(required=False, initial=dict, help_text='{"success": ["done"], "fail": ["ERROR"]}')
    budget = PrettyJSONField(
        required=False,
        initial=dict,
        help_text='{"min_items": 1, "max_cost": 5, "max_duration_s": 3600, "max_logs": 200}',
    )

    class Meta:
        model = Heartbeat
        fields = (
            "name", "tags", "priority", "slug", "job", "schedule", "period_s", "expression", "time_zone", "grace_s",
            "run_limit_s", "keywords", "budget",
        )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.fields["name"].initial = self.instance.monitor.name
            self.fields["tags"].initial = self.instance.monitor.tags
            self.fields["priority"].initial = self.instance.monitor.priority
            del self.fields["job"]

    def _post_clean(self) -> None:
        """Validates by the write path, in a transaction that is rolled back on errors."""
        if self.errors:
            return
        try:
            self.saved = self._write()
        except ValidationError as refused:
            for field, problems in refused.message_dict.items():
                self.add_error(field if field in self.fields else None, problems)

    def _write(self) -> Heartbeat:
        wanted = {name: value for name, value in self.cleaned_data.items() if name in changes.SETTABLE}
        wanted |= {name: wanted.get(name) or {} for name in ("keywords", "budget")} | {"tags": wanted.get("tags") or []}
        if wanted.get("job"):
            wanted = {name: value for name, value in wanted.items() if name not in SUGGESTIONS[wanted["job"]].terms}
        for name in ("slug", "priority"):
            if not wanted.get(name):
                wanted.pop(name, None)
        if self.instance.pk:
            return changes.update_heartbeat(self.instance, wanted)
        return changes.create_heartbeat(default_team(), wanted)

    saved: Heartbeat
