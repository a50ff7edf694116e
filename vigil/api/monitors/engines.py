"""Engines of an inference server and tools of an MCP server, as regions saw them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from probes.ai.saturation.progress import EnginePhase
from probes.wire import Result
from vigil.api.base.serializers import ApiSerializer
from vigil.monitors.core.engine_facts import NUMBERS, told_server
from vigil.monitors.live.results import instant
from vigil.tool_watch.models import ToolList


class EngineSerializer(ApiSerializer[Any]):
    """One engine, rank, replica or model of a server; null for what it does not tell."""

    name = serializers.CharField(allow_blank=True, help_text="Empty where the server names no engines.")
    phase = serializers.ChoiceField(
        choices=[phase.value for phase in EnginePhase],
        help_text="`still`: not for long enough to be `stalled`; `unknown`: the first look, or nothing that moves.",
    )
    running = serializers.FloatField(allow_null=True)
    waiting = serializers.FloatField(allow_null=True)
    cache_percent = serializers.FloatField(allow_null=True)
    still_s = serializers.FloatField(help_text="Seconds since its counters moved, or since it was last seen.")


class RegionEnginesSerializer(ApiSerializer[Any]):
    region = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    count = serializers.IntegerField(help_text="Engines there are; those in trouble are told first.")
    engines = EngineSerializer(many=True)
    numbers = serializers.DictField(
        child=serializers.FloatField(), help_text=f"Of the whole server, as far as it tells: {', '.join(NUMBERS)}."
    )


class EnginesSerializer(ApiSerializer[Any]):
    available = serializers.BooleanField()
    regions = RegionEnginesSerializer(many=True)


class ToolSerializer(ApiSerializer[Any]):
    """One tool: a hash of what a model reads of it, and one of its schemas."""

    name = serializers.CharField()
    words = serializers.CharField()
    schema = serializers.CharField()


class ToolsSerializer(ApiSerializer[Any]):
    """Tools that most regions agreed on; all null before the first look."""

    count = serializers.IntegerField(allow_null=True)
    fingerprint = serializers.CharField(allow_null=True)
    server = serializers.CharField(allow_null=True, help_text="Name and version that the server gives itself.")
    version = serializers.CharField(allow_null=True, help_text="Revision of MCP that is spoken.")
    seen_at = serializers.DateTimeField(allow_null=True)
    changed_at = serializers.DateTimeField(allow_null=True)
    tools = ToolSerializer(many=True, allow_null=True, help_text="Null where they are too many to be told one by one.")


def engines_row(region: str, result: Result | None) -> dict[str, Any]:
    """One region's view as `RegionEnginesSerializer` describes it."""
    told = told_server(result.facts) if result is not None else None
    return {
        "region": region,
        "at": instant(result.started_ms) if result is not None else None,
        "count": told.count if told else 0,
        "engines": [asdict(each) for each in told.engines] if told else [],
        "numbers": dict(told.numbers) if told else {},
    }


def tools_row(row: ToolList | None) -> dict[str, Any]:
    """What is known as `ToolsSerializer` describes it."""
    if row is None:
        return dict.fromkeys(ToolsSerializer().fields)
    tools = (
        None if row.tools is None else [dict(zip(("name", "words", "schema"), each, strict=True)) for each in row.tools]
    )
    return {
        "count": row.count,
        "fingerprint": row.fingerprint,
        "server": row.server,
        "version": row.version,
        "seen_at": row.seen_at,
        "changed_at": row.changed_at,
        "tools": tools,
    }
