"""The newest readings of each meter that were not taken, in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import isfinite

from wattline.households.meters.model import Measurement, Refusal

KEPT = 20
"""Refusals of one meter that are remembered."""


class Refusals:
    """By address; a reading that is refused again is counted, not repeated."""

    def __init__(self) -> None:
        self._of: dict[str, deque[Refusal]] = {}

    def note(self, mac: str, time: int, sent: Measurement, reason: str, received: int) -> None:
        """A reading was not taken."""
        kept = self._of.setdefault(mac, deque(maxlen=KEPT))
        value = sent.value if isfinite(sent.value) else None
        for at, known in enumerate(kept):
            if (known.time, known.value, known.reason) == (time, value, reason):
                del kept[at]
                kept.append(replace(known, received=received, count=known.count + 1))
                return
        kept.append(Refusal(time, value, reason, received))

    def of(self, mac: str) -> list[Refusal]:
        """What was refused of a meter, the newest first."""
        return list(reversed(self._of.get(mac, ())))

    def forget(self, mac: str) -> None:
        """The meter is another household's, or was removed."""
        self._of.pop(mac, None)
