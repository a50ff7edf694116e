"""Start and end of the exporter, beside a recorder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import structlog
from pydantic import ValidationError

from probes.process.main_loop import LastingThread
from probes.process.metrics.counts import ProcessCounts
from vigil.configuration import ConfigurationError
from vigil.history.recording.streams import EntryHeard
from vigil.telemetry.exporter import ResultExporter
from vigil.telemetry.settings import TelemetrySettings

_log = structlog.get_logger(__name__)

FAREWELL_S = 3.0


@contextlib.contextmanager
def exporting(counts: ProcessCounts) -> Iterator[EntryHeard | None]:
    """Where a recorder tells its entries, if VIGIL_OTLP_ENDPOINT names a collector. Raises `ConfigurationError`."""
    settings = read_settings()
    if not settings.otlp_endpoint:
        yield None
        return
    exporter = ResultExporter(settings, counts)
    thread = LastingThread("telemetry", exporter.run)
    thread.start()
    _log.info("telemetry.ready", endpoint=settings.otlp_endpoint)

    def heard(region: str, entry_id: str, body: bytes) -> None:
        thread.keep_alive()
        exporter.backlog.put(region, entry_id, body)

    try:
        yield heard
    finally:
        exporter.stop()
        thread.join(FAREWELL_S)


def read_settings() -> TelemetrySettings:
    """The settings of the export; raises `ConfigurationError` with one line."""
    try:
        return TelemetrySettings()
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False, include_context=False)[0]
        name = f"VIGIL_{first['loc'][0]}".upper()
        raise ConfigurationError(f"{name} {first['msg'].removeprefix('Value error, ')}") from None
