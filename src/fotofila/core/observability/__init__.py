"""Logs (structlog), metrics (Prometheus), traces (OpenTelemetry)."""
