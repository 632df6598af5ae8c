"""Sequence numbers of a sensor: do messages get lost on their way?"""

from __future__ import annotations


class Sequence:
    """`seq` counts up by one per message and begins anew when the edge restarts.

    A number that is lower than the last with a newer time is such a restart; an older reading is a replay and tells nothing.
    """

    __slots__ = ("_last", "_time", "gaps", "lost", "restarts")

    def __init__(self) -> None:
        self.gaps = 0
        """How often numbers were left out."""
        self.lost = 0
        """How many numbers that were together."""
        self.restarts = 0
        self._last: int | None = None
        self._time = 0

    def note(self, number: int, time: int) -> None:
        """A message bears this number and time (us)."""
        if number < 0:
            return
        if self._last is not None:
            if time <= self._time:
                return
            if number > self._last + 1:
                self.gaps += 1
                self.lost += number - self._last - 1
            elif number <= self._last:
                self.restarts += 1
        self._last, self._time = number, time
