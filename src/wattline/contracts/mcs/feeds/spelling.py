"""Times in frames: UTC with Z, and as many digits of a second as are not zero, in groups of three."""

from __future__ import annotations

from datetime import timedelta

from wattline.model.clock import EPOCH


def spell(micros: int) -> str:
    """`2026-02-21T12:00:00Z`, `2026-02-21T12:00:00.123Z` or `2026-02-21T12:00:00.123456Z`."""
    moment = EPOCH + timedelta(microseconds=micros)
    fraction = micros % 1_000_000
    if fraction == 0:
        return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
    return f"{moment.isoformat(timespec='milliseconds' if fraction % 1000 == 0 else 'microseconds')[:-6]}Z"
