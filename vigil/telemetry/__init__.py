"""Telemetry for others: results of checks as OpenTelemetry spans and metrics."""
