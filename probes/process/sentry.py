"""Error reports to Sentry, if it is configured: the place in the code, never the target or its secrets.

A plain `sentry_sdk.init` adds its headers to every request a probe sends, and reports local variables and the request;
all of that is off here, and what is left goes through an allow-list.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from probes.text import without_credentials

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
#: How long a process that ends waits for its last reports to leave (s).
FLUSH_S = 2.0
#: Path and query of an address: a webhook's path is its secret.
_BEHIND_HOST = re.compile(r"(://[^/?#\s'\"]*)[/?#][^\s'\"]*")
#: Marks an error that was reported, so that the log line and the process's end do not report it again.
_REPORTED = "_vigil_reported"


def configure(dsn: str, process: str, transport: Transport | None = None) -> bool:
    """Report uncaught errors of this process, and those that it logs; False, and nothing loaded, without a DSN.

    `transport` is for tests.
    """
    if not dsn:
        return False
    import sentry_sdk
    from sentry_sdk.consts import CompressionAlgo
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            # A report waits in the SDK's own thread: without this, a process that crashes ends before it is sent.
            AtexitIntegration(callback=_in_silence),
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
        before_send=_first_of_its_error,
        shutdown_timeout=FLUSH_S,
        auto_session_tracking=False,
        spotlight=False,
        # The SDK takes Brotli where it is installed, which not every server that speaks Sentry's protocol reads.
        _experiments={"transport_compression_algo": CompressionAlgo.GZIP},
    )
    # Of the global scope: other threads have scopes of their own.
    sentry_sdk.get_global_scope().set_tag("process", process)
    return True


def report(error: BaseException) -> None:
    """Report an error that a loop has caught and goes on after, if reports are on; once for each error."""
    sdk = sys.modules.get("sentry_sdk")
    if sdk is not None:
        sdk.capture_exception(error)


def flush() -> None:
    """Wait for the reports on their way, for 2 s at most: for a process that ends without its exit handlers."""
    sdk = sys.modules.get("sentry_sdk")
    if sdk is not None:
        sdk.flush(timeout=FLUSH_S)


def _in_silence(pending: int, timeout: float) -> None:
    """The SDK would print to stderr that it waits."""


def _first_of_its_error(event: Any, hint: Mapping[str, Any]) -> Any:
    """What may leave of the event; None when its error was reported already."""
    error = (hint.get("exc_info") or (None, None))[1]
    if error is not None:
        if getattr(error, _REPORTED, False):
            return None
        with contextlib.suppress(AttributeError):
            setattr(error, _REPORTED, True)
    return allowed(event)


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
    return _BEHIND_HOST.sub(r"\1/***", without_credentials(str(value.get("value") or "")))[:_MESSAGE_LIMIT]
