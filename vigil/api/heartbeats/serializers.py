"""Serializers of heartbeats, their pings, snippets, keys and badges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from vigil.api.base.json_types import ObjectField
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer
from vigil.api.code.managed import ManagedField
from vigil.api.history.answers import FactsField
from vigil.api.openapi.shapes import BUDGET, KEYWORDS, TERMS
from vigil.heartbeats import changes, overview
from vigil.heartbeats.core.schedule import ScheduleKind
from vigil.heartbeats.core.suggestions import SUGGESTIONS
from vigil.heartbeats.models import Heartbeat, StoredPing, TeamPings
from vigil.monitors.models import Priority
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS


@extend_schema_field(KEYWORDS)
class KeywordsField(ObjectField):
    """Words in a body; the write path validates them."""


@extend_schema_field(BUDGET)
class BudgetField(ObjectField):
    """Limits of a run; the write path validates them."""


@extend_schema_field(TERMS)
class TermsField(serializers.JSONField):
    """What a suggestion sets."""


class HeartbeatSerializer(ApiModelSerializer[Heartbeat]):
    id = serializers.CharField(source="monitor.public_id", read_only=True)
    name = serializers.CharField(source="monitor.name", max_length=200)
    tags = serializers.ListField(
        source="monitor.tags",
        child=serializers.CharField(max_length=MAX_TAG_LENGTH),
        max_length=MAX_TAGS,
        required=False,
    )
    priority = serializers.ChoiceField(source="monitor.priority", choices=Priority.choices, required=False)
    paused = serializers.BooleanField(source="monitor.paused", read_only=True)
    job = serializers.ChoiceField(
        choices=sorted(SUGGESTIONS),
        write_only=True,
        required=False,
        help_text="Default schedule and grace for a kind of AI job; other fields override it.",
    )
    slug = serializers.CharField(max_length=100, required=False)
    schedule = serializers.ChoiceField(choices=[kind.value for kind in ScheduleKind], required=False)
    keywords = KeywordsField(
        required=False,
        help_text='Words in a body: {"success": [...], "fail": [...], "start": [...], "otherwise": ...}.',
    )
    budget = BudgetField(
        required=False, help_text="Limits of a run: min_items, max_tokens, max_cost, max_duration_s, max_logs."
    )
    status = serializers.SerializerMethodField(help_text="new, up, running, late, down, degraded or paused.")
    ping_url = serializers.SerializerMethodField(help_text="Empty for callers that may only read.")
    mail = serializers.SerializerMethodField(help_text="Mail address for pings; empty if mail is off.")
    badges = serializers.SerializerMethodField()
    managed_by = ManagedField()

    class Meta:
        model = Heartbeat
        fields = (
            "id", "name", "slug", "tags", "priority", "job", "schedule", "period_s", "expression", "time_zone",
            "grace_s", "run_limit_s", "wakes_on_ping", "keywords", "budget", "paused", "status", "since",
            "last_ping_at", "last_success_at", "expected_at", "pings", "ping_url", "mail", "badges", "managed_by",
        )  # fmt: skip
        read_only_fields = ("since", "last_ping_at", "last_success_at", "expected_at", "pings")
        validators: list[Any] = []

    def get_status(self, row: Heartbeat) -> str:
        return overview.status_shown(row)

    def get_ping_url(self, row: Heartbeat) -> str:
        return overview.ping_address(row) if self.context.get("may_write") else ""

    def get_mail(self, row: Heartbeat) -> str:
        return overview.mail_address(row) if self.context.get("may_write") else ""

    def get_badges(self, row: Heartbeat) -> dict[str, str]:
        return overview.badge_addresses(row) if self.context.get("may_write") else {}

    def create(self, validated_data: Mapping[str, Any]) -> Heartbeat:
        return changes.create_heartbeat(self.context["team"], _flat(validated_data))

    def update(self, instance: Heartbeat, validated_data: Mapping[str, Any]) -> Heartbeat:
        wanted = _flat(validated_data)
        wanted.pop("job", None)
        return changes.update_heartbeat(instance, wanted)


class PingSerializer(ApiModelSerializer[StoredPing]):
    facts = FactsField(help_text="What a JSON body said: items, tokens, cost, model, error.")

    class Meta:
        model = StoredPing
        fields = (
            "n", "at", "kind", "exit_code", "word", "rid", "duration_ms", "method", "origin",
            "agent", "body_size", "facts",
        )  # fmt: skip


class BodySerializer(ApiSerializer[Any]):
    body = serializers.CharField()
    size = serializers.IntegerField()
    note = serializers.CharField()


class SnippetSerializer(ApiSerializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    language = serializers.CharField()
    text = serializers.CharField()


class SuggestionSerializer(ApiSerializer[Any]):
    job = serializers.CharField()
    title = serializers.CharField()
    terms = TermsField()


class PauseSerializer(ApiSerializer[Any]):
    until_ping = serializers.BooleanField(default=False, help_text="The next success or start resumes it.")


class KeysSerializer(ApiModelSerializer[TeamPings]):
    class Meta:
        model = TeamPings
        fields = ("key", "badge_key", "creates")
        read_only_fields = ("key", "badge_key")


class KeyRotationSerializer(ApiSerializer[Any]):
    which = serializers.ChoiceField(choices=["key", "badge_key"], help_text="Of pings by slug, or of badges of tags.")


class TagBadgeSerializer(ApiSerializer[Any]):
    tag = serializers.CharField()
    badges = serializers.DictField(child=serializers.CharField())


def _flat(validated: Mapping[str, Any]) -> dict[str, Any]:
    wanted = dict(validated)
    return {**wanted.pop("monitor", {}), **wanted}
