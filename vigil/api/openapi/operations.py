"""Names of API operations: an id for programs and a summary for people, for each method and path."""

from __future__ import annotations

import re
from typing import NamedTuple


class Words(NamedTuple):
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
_OWN: dict[str, Words] = {
    "POST channels/{}/test": Words("test_channel", "Send a test message to a channel"),
    "GET channels/kinds": Words("list_channel_kinds", "List kinds of channels"),
    "POST dead-letters/{}/discard": Words("discard_dead_letter", "Discard a dead letter"),
    "POST dead-letters/{}/replay": Words("replay_dead_letter", "Replay a dead letter"),
    "POST deliveries/{}/resend": Words("resend_delivery", "Resend a delivery that failed for good"),
    "GET health": Words("get_health", "Get the health of the installation"),
    "POST heartbeats/{}/pause": Words("pause_heartbeat", "Pause a heartbeat"),
    "POST heartbeats/{}/ping": Words("ping_heartbeat", "Send a ping by the id of a heartbeat"),
    "POST heartbeats/slugs/{}/ping": Words("ping_heartbeat_by_slug", "Send a ping by the slug of a heartbeat"),
    "POST heartbeats/{}/resume": Words("resume_heartbeat", "Resume a heartbeat"),
    "POST heartbeats/{}/rotate": Words("rotate_heartbeat_address", "Issue new addresses of a heartbeat"),
    "GET heartbeats/{}/pings": Words("list_heartbeat_pings", "List pings of a heartbeat"),
    "GET heartbeats/{}/pings/{}/body": Words("get_heartbeat_ping_body", "Get the body of a ping"),
    "GET heartbeats/{}/snippets": Words("list_heartbeat_snippets", "List code that pings a heartbeat"),
    "GET heartbeats/badges": Words("list_tag_badges", "List badges of the tags of heartbeats"),
    "GET heartbeats/keys": Words("get_ping_keys", "Get the team's keys for pings and badges"),
    "PATCH heartbeats/keys": Words("update_ping_keys", "Choose whether unknown slugs create heartbeats"),
    "POST heartbeats/keys/rotate": Words("rotate_ping_key", "Issue a new key for pings or badges"),
    "GET heartbeats/suggestions": Words("list_heartbeat_suggestions", "List suggested schedules of AI jobs"),
    "POST incidents/{}/acknowledge": Words("acknowledge_incident", "Acknowledge an incident"),
    "GET incidents/{}/evidence": Words("get_incident_evidence", "Get the evidence of an incident"),
    "GET incidents/{}/replay": Words("replay_incident", "Decide an incident again from its stored votes"),
    "GET incidents/{}/transitions": Words("list_incident_transitions", "List steps of an incident"),
    "POST incidents/{}/notes": Words("add_incident_note", "Add a note to an incident"),
    "POST incidents/{}/snooze": Words("snooze_incident", "Snooze an incident"),
    "POST incidents/{}/take-back": Words("take_back_incident", "Take back an acknowledgement"),
    "GET me": Words("get_me", "Get who the caller is"),
    "GET members": Words("list_members", "List members of the team"),
    "GET monitors/kinds": Words("list_monitor_kinds", "List kinds of monitors"),
    "GET monitors/{}/checks": Words("get_monitor_checks", "Get single checks of a monitor"),
    "POST monitors/{}/clone": Words("clone_monitor", "Copy a monitor under another name"),
    "GET monitors/{}/headroom": Words("get_monitor_headroom", "Get the remaining quota of a monitor's key"),
    "GET monitors/{}/latency": Words("get_monitor_latency", "Get the latency chart of a monitor"),
    "GET monitors/{}/latest": Words("get_monitor_latest", "Get the latest results of a monitor"),
    "POST monitors/{}/pause": Words("pause_monitor", "Pause a monitor"),
    "GET monitors/{}/percentiles": Words("get_monitor_percentiles", "Get latency percentiles of a monitor"),
    "GET monitors/{}/results": Words("list_monitor_results", "List results of a monitor in any window"),
    "GET monitors/{}/rollups": Words("list_monitor_rollups", "List rollups of a monitor by hour or day"),
    "POST monitors/{}/resume": Words("resume_monitor", "Resume a monitor"),
    "GET monitors/{}/state": Words("get_monitor_state", "Get the state of a monitor"),
    "POST monitors/{}/test": Words("test_monitor", "Check a monitor now"),
    "POST monitors/test": Words("test_unsaved_monitor", "Check an unsaved monitor now"),
    "GET monitors/{}/uptime": Words("get_monitor_uptime", "Get the uptime of a monitor"),
    "GET objectives/{}/budget": Words("get_objective_budget", "Get the error budget of an objective"),
    "GET presets/{}": Words("get_preset", "Get a preset"),
    "POST regions/{}/drain": Words("drain_region", "Send a region no more checks"),
    "POST regions/{}/rekey": Words("rekey_region", "Give a region a new key"),
    "POST regions/{}/revoke": Words("revoke_region", "Drain a region and forget its key"),
    "POST rotations/{}/feed": Words("get_rotation_feed", "Get the calendar address of a rotation"),
    "POST rotations/{}/feed/renew": Words("renew_rotation_feed", "Issue a new calendar address of a rotation"),
    "GET rotations/{}/on-call": Words("get_rotation_on_call", "Get who is on call"),
    "POST rotations/{}/overrides": Words("create_rotation_override", "Add a substitute to a rotation"),
    "DELETE rotations/{}/overrides/{}": Words("delete_rotation_override", "Remove a substitute from a rotation"),
    "GET rotations/{}/shifts": Words("list_rotation_shifts", "List shifts of a rotation"),
    "POST routes/typical": Words("create_typical_routes", "Create starter routes"),
    "POST self-tests": Words("create_self_test", "Begin a self-test now"),
    "POST silences/{}/end": Words("end_silence", "End the current window of a silence"),
    "GET silences/excluded": Words("list_excluded_intervals", "List time excluded from uptime"),
    "GET states": Words("list_states", "List states of all monitors"),
    "POST tokens/{}/rotate": Words("rotate_token", "Issue the successor of a token"),
    "GET uptime": Words("get_uptime", "Get the uptime of many monitors"),
    "GET whom": Words("preview_recipients", "Preview who is alerted about an incident"),
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


def words_of(method: str, path: str, action: str, doc: str) -> Words:
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
        return Words(f"{_VERBS.get(action, action)}_{_snake(noun)}", summary)
    rest = _snake("_".join(parts[1:])) or "all"
    if method == "POST":
        named = f"{rest}_{_snake(one)}"
    else:
        named = f"{_OF_METHOD.get(method, method.lower())}_{_snake(one)}_{rest}"
    return Words(named, first_sentence(doc) or named.replace("_", " ").capitalize())


def first_sentence(doc: str) -> str:
    """First sentence of a docstring, without its full stop."""
    return re.split(r"[.:;](?:\s|$)", " ".join(doc.split()), maxsplit=1)[0]


def singular(many: str) -> str:
    """One of many, in words: `dead-letters` are each a dead letter."""
    return _SINGULAR.get(many, many.removesuffix("s")).replace("-", " ")


def _snake(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
