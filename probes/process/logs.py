"""Logs of every process: one key=value line an event on stderr, without passwords or what Redis was sent."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from probes.process import sentry
from probes.text import without_arguments, without_credentials

#: Verbose below WARNING, without more than our own lines say.
_QUIET = ("celery", "kombu", "amqp", "asyncio", "httpx", "httpcore", "redis", "urllib3")
#: Levels whose exceptions are reported.
_ERRORS = frozenset({"error", "critical", "exception"})


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = without_arguments(without_credentials(value))
    return event


def _report(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Hand what is logged as an error, by us or by a library, to Sentry as well, if that is on."""
    if level in _ERRORS and (found := event.get("exc_info")):
        error = found if isinstance(found, BaseException) else sys.exc_info()[1] if found is True else found[1]
        if error is not None:
            sentry.report(error)
    return event


def configure(process: str, level: int = logging.INFO) -> None:
    """Send structlog and the standard library's logging to stderr as key=value lines named after `process`.

    Call once, first thing in a process; calling again replaces what was there.
    """

    def named(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        named,
        _report,
        structlog.processors.format_exc_info,
        _clean,
    ]
    line = structlog.processors.LogfmtRenderer(key_order=["at", "level", "process", "event"], bool_as_flag=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _text_only, line],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _text_only(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keys without blanks, which logfmt refuses, and no bare carriage return, which it lets through."""
    return {
        key.replace(" ", "_"): value.replace("\r", "\\r") if isinstance(value, str) else value
        for key, value in event.items()
    }
