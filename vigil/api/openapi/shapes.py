"""JSON Schemas of fields that hold an object or a value whose shape no serializer tells."""

from __future__ import annotations

from typing import Any

from consensus.vocabulary import Observed
from probes.wire import FACTS_MOST
from vigil.heartbeats.core.budget import RULES
from vigil.heartbeats.core.pings.body import MAX_KEYWORD_LENGTH, MAX_KEYWORDS
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.schedule import ScheduleKind

Json = dict[str, Any]

_KEYWORDS: Json = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_KEYWORD_LENGTH},
    "maxItems": MAX_KEYWORDS,
}
_LIMIT: Json = {"type": ["number", "null"], "minimum": 0, "maximum": 1e12}
_SECONDS: Json = {"type": "integer", "minimum": 60, "maximum": 31_536_000}

FACTS: Json = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
    "maxProperties": FACTS_MOST,
}
#: A JSON value of any type: what the field of an object holds.
ANY_VALUE: Json = {
    "type": ["string", "number", "boolean", "array", "object", "null"],
    "items": {},
    "additionalProperties": True,
}
DOCUMENT: Json = {
    "type": "object",
    "additionalProperties": True,
    "description": "What `vigil.yaml` holds; its schema is at `/api/v1/schema.json`.",
}
KEYWORDS: Json = {
    "type": "object",
    "properties": {
        "success": _KEYWORDS,
        "fail": _KEYWORDS,
        "start": _KEYWORDS,
        "otherwise": {
            "type": ["string", "null"],
            "enum": [PingKind.SUCCESS.value, PingKind.FAIL.value, PingKind.IGNORED.value, None],
            "description": "The kind of a body without any of them.",
        },
    },
    "additionalProperties": False,
}
BUDGET: Json = {"type": "object", "properties": dict.fromkeys(RULES, _LIMIT), "additionalProperties": False}
#: What a suggestion sets of a heartbeat.
TERMS: Json = {
    "type": "object",
    "properties": {
        "schedule": {"type": "string", "enum": [kind.value for kind in ScheduleKind]},
        "period_s": _SECONDS,
        "expression": {"type": "string"},
        "grace_s": _SECONDS,
    },
    "additionalProperties": False,
}
#: The default of a setting.
SETTING: Json = {"type": ["string", "number", "boolean", "array", "null"], "items": {"type": "string"}}
#: Which fields it has follows from the step and the version of the rule; `votes` beside it is a table for all of them.
EVIDENCE: Json = {
    "type": "object",
    "additionalProperties": True,
    "description": "What the step rests on, as it was stored: of a verdict its votes, exclusions, n, m, k, domains and "
    "rule; of a composite its members; of a provider's incident who joined it; of an objective its burn rates.",
}
#: By the slug of the region that contradicts the quorum.
DISSENT: Json = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {
            "saw": {"type": "string", "enum": [one.value for one in Observed]},
            "rounds": {"type": "integer", "minimum": 1},
        },
        "required": ["rounds", "saw"],
        "additionalProperties": False,
    },
}
#: Filters of a list, as a body has them.
FILTERS: Json = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "oneOf": [
            {"type": "string"},
            {"type": "boolean"},
            {"type": "array", "items": {"type": "string"}, "maxItems": 200},
        ]
    },
}
