"""Thermal modes over time: whether heat was recovered or thrown away."""

from __future__ import annotations

from wattline.events.service import EventLog


class ModeHistory:
    """Reads the block's `mode_change` events."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
