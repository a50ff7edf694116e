"""Error reports to Sentry, if it is configured: the place in the code, never the target or its secrets.

A plain `sentry_sdk.init` adds its headers to every request a probe sends, and reports local variables and the request;
all of that is off here, and what is left goes through an allow-list.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from probes.process.logs import without_credentials

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport

#: Everything of an event that may leave: names, places and times.
_EVENT_FIELDS = frozenset(
    {
        "event_id",
        "timestamp",
        "level",
        "platform",
        "release",
        "server_name",
        "tags",
        "exception",
        "logger",
        "sdk",
        "type",
    }
)
_FRAME_FIELDS = frozenset({"filename", "function", "module", "lineno", "in_app"})
#: Errors speak in our own words up to here; what follows may quote a target.
_MESSAGE_LIMIT = 200


def configure(dsn: str, process: str, transport: Transport | None = None) -> bool:
    """Report uncaught errors of this process; False, and nothing loaded, without a DSN. `transport` is for tests."""
    if not dsn:
        return False
    import sentry_sdk
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
            LoggingIntegration(level=None, event_level=None),
        ],
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        traces_sample_rate=None,
        trace_propagation_targets=[],
        before_send=allowed,
    )
    sentry_sdk.set_tag("process", process)
    return True


def report(error: BaseException) -> None:
    """Report an error that a loop has caught and goes on after, if reports are on."""
    sdk = sys.modules.get("sentry_sdk")
    if sdk is not None:
        sdk.capture_exception(error)


def allowed(event: Any, hint: Mapping[str, object] | None = None) -> Any:
    """The event with only what may leave: no request, no variables, no context, no log message."""
    kept = {name: value for name, value in event.items() if name in _EVENT_FIELDS}
    values = (kept.get("exception") or {}).get("values") or []
    kept["exception"] = {"values": [_error(value) for value in values]}
    return kept


def _error(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        # Another library's message may quote a target's answer, an address or a key.
        "value": _own_words(value),
        "stacktrace": {"frames": [{name: frame.get(name) for name in _FRAME_FIELDS} for frame in frames]},
    }


def _own_words(value: Mapping[str, Any]) -> str:
    module = str(value.get("module") or "")
    if not module.startswith(("probes", "consensus", "vigil")):
        return ""
    return without_credentials(str(value.get("value") or ""))[:_MESSAGE_LIMIT]
