"""Examples of requests by the name of their schema, and of the words that answers are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

TIME = "2030-01-07T09:30:00Z"
LATER = "2030-01-07T11:30:00Z"
DAY = "2030-01-07"
RANDOM = "7k2m9qx4d1fz0v3b"
MONITOR = f"mon_{RANDOM}"
CHANNEL = f"chn_{RANDOM}"
PERSON = f"per_{RANDOM}"
INCIDENT = f"inc_{RANDOM}"
STATUS_PAGE = f"stp_{RANDOM}"
COMPONENT = f"com_{RANDOM}"
POLICY = f"pol_{RANDOM}"

#: Requests by the schema they follow. Those of `PATCH` change one field or two.
REQUESTS: Mapping[str, Json] = {
    "AdoptionRequest": {"section": "monitors", "key": "shop", "id": MONITOR},
    "ChannelRequest": {"name": "on-call room", "kind": "webhook", "config": {"url": "https://hooks.example.com/vigil"}},
    "CloneRequestRequest": {"name": "Shop, staging"},
    "CompositeRequest": {
        "name": "Chat with fallback", "rule": "at_least", "k": 1, "members": [{"monitor": MONITOR}], "tags": ["chat"],
    },
    "HeartbeatRequest": {"name": "Nightly evaluation", "schedule": "period", "period_s": 86_400, "grace_s": 1_800},
    "KeyRotationRequest": {"which": "key"},
    "MonitorRequest": {
        "name": "Shop", "kind": "http", "interval_s": 60, "tags": ["shop"],
        "config": {"url": "https://shop.example.com/health", "method": "GET"},
        "secrets": {"bearer": "the-token-of-the-shop"},
    },
    "NoteRequest": {"text": "The provider confirms a fault in one region."},
    "ObjectiveRequest": {"name": "Shop works", "monitor": MONITOR, "target_percent": "99.9", "window_days": 30},
    "OverrideRequest": {"person": PERSON, "starts_at": TIME, "ends_at": LATER},
    "PauseRequest": {"until_ping": True},
    "PersonRequest": {"name": "Ann", "channels": [CHANNEL]},
    "PingRequestRequest": {"kind": "success", "exit_code": 0, "body": "42 documents indexed"},
    "PlanOrderRequest": {
        "document": {"version": 1, "monitors": {"shop": {"http": {"url": "https://shop.example.com/health"}}}},
        "prune": False,
    },
    "PolicyRequest": {"name": "Call Ann", "steps": [{"people": [PERSON]}], "repeats": 1},
    "PublicIncidentRequest": {
        "page": STATUS_PAGE, "title": "Chat answers slowly", "impact": "minor", "state": "investigating",
        "text": "We are looking into slow answers.",
    },
    "PublicUpdateRequest": {"state": "resolved", "text": "Answers are as fast as before."},
    "PostmortemRequest": {"text": "A disk was full. We now measure how full disks are.", "is_draft": False},
    "PublicationRuleRequest": {
        "component": COMPONENT, "kind": "outage", "after_s": 300, "impact": "major", "title": "Chat is down",
        "text": "We are looking into it.", "closing_text": "Chat works again.",
    },
    "ScheduledMaintenanceRequest": {
        "page": STATUS_PAGE, "title": "New disks", "text": "Chat stops for some minutes.", "starts_at": TIME,
        "ends_at": LATER,
    },
    "UpdateTemplateRequest": {"name": "First words", "state": "investigating", "text": "We are looking into it."},
    "RegionRequest": {"slug": "eu-west", "name": "Ireland", "domain": "aws", "egress": "public"},
    "ReportRequest": {"frequency": "weekly", "recipients": ["team@example.com"], "zone": "Europe/Berlin"},
    "RotationRequest": {"name": "Weekly", "zone": "Europe/Berlin", "starts_on": DAY, "people": [PERSON]},
    "RotationRequestRequest": {"overlap_s": 3_600},
    "RouteRequest": {"name": "Everything of the shop", "position": 1, "tags": ["shop"], "channels": [CHANNEL]},
    "SilenceRequest": {
        "name": "Move to another host", "mutes": True, "monitors": [MONITOR], "starts_at": TIME, "ends_at": LATER,
    },
    "SnoozeRequest": {"minutes": 60},
    "StatusPageRequest": {
        "slug": "acme", "title": "Acme AI", "components": [{"name": "Chat", "group": "AI", "monitor": MONITOR}],
    },
    "TokenRequestRequest": {"name": "deployments", "scopes": ["read"], "days": 90},
    "TrialRequestRequest": {"regions": ["eu-west"]},
    "TypicalRequest": {
        "routing_key": "0123456789abcdef0123456789abcdef", "slack_url": "https://hooks.slack.com/services/T0/B0/x",
    },
    "PatchedChannelRequest": {"gather": False},
    "PatchedCompositeRequest": {"rule": "all"},
    "PatchedFeedRequest": {"enabled": True},
    "PatchedHeartbeatRequest": {"grace_s": 3_600},
    "PatchedKeysRequest": {"creates": False},
    "PatchedMonitorRequest": {"interval_s": 30},
    "PatchedObjectiveRequest": {"target_percent": "99.95"},
    "PatchedPersonRequest": {"name": "Ann Miller"},
    "PatchedPolicyRequest": {"repeats": 2},
    "PatchedPublicIncidentRequest": {"impact": "major"},
    "PatchedChangedUpdateRequest": {"text": "Answers are as fast as before. We keep watching."},
    "PatchedPublicationRuleRequest": {"after_s": 600},
    "PatchedScheduledMaintenanceRequest": {"title": "New disks and cables"},
    "PatchedUpdateTemplateRequest": {"text": "We see it too, and are looking into it."},
    "PatchedRegionRequest": {"name": "Dublin"},
    "PatchedReportRequest": {"frequency": "monthly"},
    "PatchedRotationRequest": {"shift_days": 14},
    "PatchedRouteRequest": {"enabled": False},
    "PatchedSilenceRequest": {"ends_at": LATER},
    "PatchedStatusPageRequest": {"title": "Acme Cloud"},
}  # fmt: skip

#: Answers by the operation, where the schema does not say enough.
ANSWERS: Mapping[str, Json] = {
    "get_export_all": {"version": 1, "monitors": {"shop": {"http": {"url": "https://shop.example.com/health"}}}},
}

#: Prefixes of ids by the schema that has one; other ids are of incidents.
PREFIXES: Mapping[str, str] = {
    "Adoption": "mon", "Change": "mon", "Channel": "chn", "Composite": "mon", "DeadLetter": "dlt",
    "DeadLetterWithBytes": "dlt", "Delivery": "dlv", "Heartbeat": "mon", "IssuedToken": "tok", "Monitor": "mon",
    "NamedUptime": "mon", "Objective": "slo", "Override": "ovr", "PageComponent": "com",
    "Person": "per", "Plan": "pln", "Policy": "pol",
    "PublicIncident": "pin", "PublicUpdate": "upd", "StatusPage": "stp", "PublicationRule": "rul",
    "ScheduledMaintenance": "pin", "UpdateTemplate": "tpl",
    "Report": "rep", "Rotation": "rot", "Route": "rte", "Silence": "sil", "StateRow": "mon", "StepDelivery": "dlv",
    "TeamRow": "team", "Token": "tok", "Transition": "trn", "TransitionNote": "trn",
}  # fmt: skip

#: Words of answers by the name of their field.
WORDS: Mapping[str, Any] = {
    "address": f"https://vigil.example.com/a/{RANDOM}", "author": "ann", "because": "route Everything of the shop",
    "actor": "ann", "acknowledged_by": "Ann", "agent": "curl/8.14", "badge_key": f"badge-{RANDOM}",
    "callback_address": f"https://vigil.example.com/callbacks/{RANDOM}", "cause_key": "provider:openai",
    "channel": CHANNEL, "command": "manage.py worker", "created_by": "ann", "applied_by": "ann", "cron": "30 2 * * SUN",
    "detail": "The server answered 503.", "doc": "https://docs.example.com/api", "domain": "aws",
    "explanation": "2 of 3 regions see an error.", "expression": "30 2 * * *", "format": "statuspage",
    "handover": "09:00:00", "starts": "22:00:00", "ends": "06:00:00", "id": INCIDENT,
    "incident": INCIDENT, "key": "shop", "kind": "http", "language": "bash", "last_error": "timeout",
    "mail": "7k2m9qx4d1fz0v3b@ping.example.com", "model": "gpt-5-mini", "monitor": MONITOR, "name": "Shop",
    "page": STATUS_PAGE,
    "next": "https://vigil.example.com/api/v1/monitors?cursor=cD0y", "person": PERSON,
    "ping_url": f"https://vigil.example.com/ping/{RANDOM}", "policy": POLICY, "project": "default",
    "provider": "openai", "reason": "http_status", "redis_url": "rediss://redis.example.com:6379/0",
    "region": "eu-west", "rid": "run-42", "section": "monitors", "severity": "critical", "slug": "eu-west",
    "status": "down", "tag": "shop", "target": "https://shop.example.com/health", "target_percent": "99.9",
    "text": "The server answered 503.", "time_zone": "Europe/Berlin", "title": "Shop is down",
    "token": "vgl_7k2m9q_x4d1fz",
    "advice": "Start a worker there with these variables.", "alive": True, "enabled": True, "interval_s": 60,
    "lines": "2 of 3 regions see an error.", "monitors": MONITOR, "parents": MONITOR,
    "previous": "https://vigil.example.com/api/v1/monitors?cursor=cD0x", "redis_user": "worker-eu-west",
    "regions": "eu-west", "revision": 3, "secret_names": "bearer", "step": "trigger", "tags": "shop",
    "timeout_ms": 10_000, "up_s": 86_370, "uptime": 0.9996, "warnings": "One region: nothing confirms what it sees.",
    "tz": "Europe/Berlin", "url": "https://shop.example.com/health", "zone": "Europe/Berlin",
}  # fmt: skip
