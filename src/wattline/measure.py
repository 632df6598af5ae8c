"""What the path of a reading reports about itself, as metrics."""

from __future__ import annotations

from wattline.metrics import Metrics


class PipelineMeter:
    """The pipeline's meter, kept in the platform's metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def committed(self, rows: int, seconds: float) -> None:
        """A group of rows became durable."""
        self._metrics.journal_commit_seconds.observe(seconds)

    def flushed(self, rows: int, seconds: float) -> None:
        """Rows reached the telemetry store."""
        self._metrics.telemetry_rows.add(rows)
        self._metrics.telemetry_flush_seconds.observe(seconds)

    def flush_failed(self) -> None:
        """The telemetry store did not take rows; they will be tried again."""
        self._metrics.telemetry_errors.add(1)
