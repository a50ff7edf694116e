"""Names of API operations: an id for programs and a summary for people, for each method and path."""

from __future__ import annotations

import re
from typing import NamedTuple


class OperationWords(NamedTuple):
    """Id of an operation, such as `pause_monitor`, and its summary."""

    id: str
    summary: str


_SINGULAR = {"people": "person", "policies": "policy", "deliveries": "delivery"}
_PLAIN = {
    "list": "List {many}",
    "create": "Create {a} {one}",
    "retrieve": "Get {a} {one}",
    "update": "Replace {a} {one}",
    "partial_update": "Change {a} {one}",
    "destroy": "Delete {a} {one}",
}
_VERBS = {"retrieve": "get", "update": "replace", "partial_update": "update", "destroy": "delete"}
_OF_METHOD = {"GET": "get", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}

#: Operations whose words do not follow from their path, by method and path; {} stands for any part.
_OWN: dict[str, OperationWords] = {
    "POST channels/{}/test": OperationWords("test_channel", "Send a test message to a channel"),
    "GET channels/kinds": OperationWords("list_channel_kinds", "List kinds of channels"),
    "POST dead-letters/{}/discard": OperationWords("discard_dead_letter", "Discard a dead letter"),
    "POST dead-letters/{}/replay": OperationWords("replay_dead_letter", "Replay a dead letter"),
    "GET detection-leads": OperationWords("get_detection_leads", "Get who told of outages first, by provider"),
    "GET providers": OperationWords("list_provider_budgets", "List error budgets of providers and their models"),
    "GET providers/{}": OperationWords("get_provider_budgets", "Get the error budgets of a provider"),
    "GET composites/{}/readiness": OperationWords("get_composite_readiness", "Get what the death of the primary means"),
    "GET region-access": OperationWords("list_region_access", "List which regions may use which providers"),
    "POST deliveries/{}/resend": OperationWords("resend_delivery", "Resend a delivery that failed for good"),
    "GET health": OperationWords("get_health", "Get the health of the installation"),
    "POST heartbeats/{}/pause": OperationWords("pause_heartbeat", "Pause a heartbeat"),
    "POST heartbeats/{}/ping": OperationWords("ping_heartbeat", "Send a ping by the id of a heartbeat"),
    "POST heartbeats/slugs/{}/ping": OperationWords("ping_heartbeat_by_slug", "Send a ping by the slug of a heartbeat"),
    "POST heartbeats/{}/resume": OperationWords("resume_heartbeat", "Resume a heartbeat"),
    "POST heartbeats/{}/rotate": OperationWords("rotate_heartbeat_address", "Issue new addresses of a heartbeat"),
    "GET heartbeats/{}/pings": OperationWords("list_heartbeat_pings", "List pings of a heartbeat"),
    "GET heartbeats/{}/pings/{}/body": OperationWords("get_heartbeat_ping_body", "Get the body of a ping"),
    "GET heartbeats/{}/snippets": OperationWords("list_heartbeat_snippets", "List code that pings a heartbeat"),
    "GET heartbeats/badges": OperationWords("list_tag_badges", "List badges of the tags of heartbeats"),
    "GET heartbeats/keys": OperationWords("get_ping_keys", "Get the team's keys for pings and badges"),
    "PATCH heartbeats/keys": OperationWords("update_ping_keys", "Choose whether unknown slugs create heartbeats"),
    "POST heartbeats/keys/rotate": OperationWords("rotate_ping_key", "Issue a new key for pings or badges"),
    "GET heartbeats/suggestions": OperationWords("list_heartbeat_suggestions", "List suggested schedules of AI jobs"),
    "POST incidents/{}/acknowledge": OperationWords("acknowledge_incident", "Acknowledge an incident"),
    "GET incidents/{}/evidence": OperationWords("get_incident_evidence", "Get the evidence of an incident"),
    "GET incidents/{}/replay": OperationWords("replay_incident", "Decide an incident again from its stored votes"),
    "GET incidents/{}/transitions": OperationWords("list_incident_transitions", "List steps of an incident"),
    "POST incidents/{}/notes": OperationWords("add_incident_note", "Add a note to an incident"),
    "POST incidents/{}/snooze": OperationWords("snooze_incident", "Snooze an incident"),
    "POST incidents/{}/take-back": OperationWords("take_back_incident", "Take back an acknowledgement"),
    "GET me": OperationWords("get_me", "Get who the caller is"),
    "GET members": OperationWords("list_members", "List members of the team"),
    "GET models": OperationWords("list_used_models", "List models in use and when they retire"),
    "POST models/calendar": OperationWords("get_model_calendar", "Get the calendar address of retirements"),
    "POST models/calendar/renew": OperationWords("renew_model_calendar", "Issue a new calendar address of retirements"),
    "GET monitors/{}/models": OperationWords("get_monitor_models", "Get the models list that a monitor reads"),
    "GET monitors/kinds": OperationWords("list_monitor_kinds", "List kinds of monitors"),
    "POST monitors/{}/cost": OperationWords("estimate_monitor_cost", "Get what a change of a monitor would cost"),
    "POST monitors/cost": OperationWords("estimate_unsaved_monitor_cost", "Get what an unsaved monitor would cost"),
    "GET monitors/{}/checks": OperationWords("get_monitor_checks", "Get single checks of a monitor"),
    "POST monitors/{}/clone": OperationWords("clone_monitor", "Copy a monitor under another name"),
    "GET monitors/{}/engines": OperationWords("get_monitor_engines", "Get the engines of an inference server"),
    "GET monitors/{}/headroom": OperationWords("get_monitor_headroom", "Get the remaining quota of a monitor's key"),
    "GET monitors/{}/latency": OperationWords("get_monitor_latency", "Get the latency chart of a monitor"),
    "GET monitors/{}/latest": OperationWords("get_monitor_latest", "Get the latest results of a monitor"),
    "GET monitors/{}/offers": OperationWords(
        "get_monitor_offers", "Get who serves a monitor's model through a gateway"
    ),
    "POST monitors/{}/pause": OperationWords("pause_monitor", "Pause a monitor"),
    "GET monitors/{}/percentiles": OperationWords("get_monitor_percentiles", "Get latency percentiles of a monitor"),
    "GET monitors/{}/results": OperationWords("list_monitor_results", "List results of a monitor in any window"),
    "GET monitors/{}/rollups": OperationWords("list_monitor_rollups", "List rollups of a monitor by hour or day"),
    "POST monitors/{}/resume": OperationWords("resume_monitor", "Resume a monitor"),
    "GET monitors/{}/state": OperationWords("get_monitor_state", "Get the state of a monitor"),
    "POST monitors/{}/test": OperationWords("test_monitor", "Check a monitor now"),
    "POST monitors/test": OperationWords("test_unsaved_monitor", "Check an unsaved monitor now"),
    "GET monitors/{}/tools": OperationWords("get_monitor_tools", "Get the tools of an MCP server"),
    "GET monitors/{}/uptime": OperationWords("get_monitor_uptime", "Get the uptime of a monitor"),
    "GET objectives/{}/budget": OperationWords("get_objective_budget", "Get the error budget of an objective"),
    "GET presets/{}": OperationWords("get_preset", "Get a preset"),
    "POST public-incidents/{}/updates": OperationWords("add_public_update", "Add an update to a public incident"),
    "PATCH public-incidents/{}/updates/{}": OperationWords("update_public_update", "Change, publish or edit an update"),
    "POST public-incidents/{}/updates/{}/resend": OperationWords("resend_public_update", "Send dead letters again"),
    "DELETE public-incidents/{}/updates/{}": OperationWords("delete_public_update", "Delete an unpublished update"),
    "POST public-incidents/{}/postmortem": OperationWords("save_public_postmortem", "Store a public postmortem"),
    "POST scheduled-maintenances/{}/updates": OperationWords("add_maintenance_update", "Add an update to maintenance"),
    "PATCH scheduled-maintenances/{}/updates/{}": OperationWords(
        "update_maintenance_update", "Change, publish or edit an update of maintenance"
    ),
    "POST scheduled-maintenances/{}/updates/{}/resend": OperationWords(
        "resend_maintenance_update", "Send dead letters of maintenance again"
    ),
    "DELETE scheduled-maintenances/{}/updates/{}": OperationWords(
        "delete_maintenance_update", "Delete an unpublished update of maintenance"
    ),
    "POST regions/{}/drain": OperationWords("drain_region", "Send a region no more checks"),
    "POST regions/{}/rekey": OperationWords("rekey_region", "Give a region a command for new keys"),
    "POST regions/{}/revoke": OperationWords("revoke_region", "Revoke a region and close its connections"),
    "POST rotations/{}/feed": OperationWords("get_rotation_feed", "Get the calendar address of a rotation"),
    "POST rotations/{}/feed/renew": OperationWords("renew_rotation_feed", "Issue a new calendar address of a rotation"),
    "GET rotations/{}/on-call": OperationWords("get_rotation_on_call", "Get who is on call"),
    "POST rotations/{}/overrides": OperationWords("create_rotation_override", "Add a substitute to a rotation"),
    "DELETE rotations/{}/overrides/{}": OperationWords("delete_rotation_override", "Remove a substitute"),
    "GET rotations/{}/shifts": OperationWords("list_rotation_shifts", "List shifts of a rotation"),
    "POST routes/typical": OperationWords("create_typical_routes", "Create starter routes"),
    "POST self-tests": OperationWords("create_self_test", "Begin a self-test now"),
    "POST silences/{}/end": OperationWords("end_silence", "End the current window of a silence"),
    "GET silences/excluded": OperationWords("list_excluded_intervals", "List time excluded from uptime"),
    "GET states": OperationWords("list_states", "List states of all monitors"),
    "POST tokens/{}/rotate": OperationWords("rotate_token", "Issue the successor of a token"),
    "GET uptime": OperationWords("get_uptime", "Get the uptime of many monitors"),
    "GET whom": OperationWords("preview_recipients", "Preview who is alerted about an incident"),
}
#: Statuses of errors, by operation, that do not follow from its method and path.
MORE_ERRORS: dict[str, frozenset[int]] = {
    "acknowledge_incident": frozenset({409}),
    "clone_monitor": frozenset({409}),
    "snooze_incident": frozenset({409}),
    "take_back_incident": frozenset({409}),
}
#: Actions that answer with what they have created.
CREATES = frozenset({"clone_monitor"})


def words_of(method: str, path: str, action: str, doc: str) -> OperationWords:
    """Words of an operation. `path` is below the version, such as monitors/{public_id}; `doc` is its docstring."""
    own = _OWN.get(f"{method} {re.sub(r'{[^}]*}', '{}', path)}")
    if own is not None:
        return own
    parts = [part for part in path.split("/") if part and not part.startswith("{")]
    many = parts[0].replace("-", " ")
    one = singular(parts[0])
    if action in _PLAIN and len(parts) == 1:
        noun = many if action == "list" else one
        article = "an" if one[0] in "aeiou" else "a"
        summary = _PLAIN[action].format(many=many, one=one, a=article)
        return OperationWords(f"{_VERBS.get(action, action)}_{_snake(noun)}", summary)
    rest = _snake("_".join(parts[1:])) or "all"
    if method == "POST":
        named = f"{rest}_{_snake(one)}"
    else:
        named = f"{_OF_METHOD.get(method, method.lower())}_{_snake(one)}_{rest}"
    return OperationWords(named, first_sentence(doc) or named.replace("_", " ").capitalize())


def first_sentence(doc: str) -> str:
    """First sentence of a docstring, without its full stop."""
    return re.split(r"[.:;](?:\s|$)", " ".join(doc.split()), maxsplit=1)[0]


def singular(many: str) -> str:
    """One of many, in words: `dead-letters` are each a dead letter."""
    return _SINGULAR.get(many, many.removesuffix("s")).replace("-", " ")


def _snake(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
