"""A source that plays a matrix of readings, a sink that keeps what it is given, and a listener to edges."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from wattline.analytics.model import WINDOW_SECONDS, AnomalyEdge, FrequencyWindow, Score, SubstationKey
from wattline.model.clock import SECOND

from .windows import END_US, Matrix, window_of

ORIGIN_US = END_US - WINDOW_SECONDS * SECOND


def instant(passes: int) -> int:
    """The instant of a pass; that of pass 0 has exactly the first half hour and minute behind it."""
    return END_US + 60 * passes * SECOND


def column(passes: int, seconds: int = 0) -> int:
    """The column of the readings so many seconds after a pass."""
    return WINDOW_SECONDS + 60 * passes + seconds


class Replay:
    """Plays readings of which column 0 is 1,860 s before pass 0; like a store, it leaves out who sent nothing in the window."""

    def __init__(self, readings: Matrix, keys: list[SubstationKey] | None = None) -> None:
        self.readings = readings
        self.keys = [("utility", f"SUB{row:03d}") for row in range(len(readings))] if keys is None else keys

    async def window(self, end_us: int, seconds: int) -> FrequencyWindow:
        """The window that ends at an instant."""
        end = (end_us - ORIGIN_US) // SECOND
        block = self.readings[:, end - seconds : end]
        present = np.flatnonzero(np.isfinite(block).any(axis=1))
        return window_of(block[present], end_us, [self.keys[row] for row in present.tolist()])


@dataclass
class Shelf:
    """Keeps scores; `failures` is how many times it refuses first."""

    failures: int = 0
    batches: list[list[Score]] = field(default_factory=list)

    async def write(self, scores: list[Score]) -> None:
        """Keep a batch or refuse it."""
        if self.failures:
            self.failures -= 1
            raise OSError("the store is away")
        self.batches.append(scores)


@dataclass
class Listener:
    """Keeps edges; `failures` is how many times it refuses first."""

    failures: int = 0
    edges: list[AnomalyEdge] = field(default_factory=list)

    async def hear(self, edge: AnomalyEdge) -> None:
        """Keep an edge or refuse it."""
        if self.failures:
            self.failures -= 1
            raise OSError("the post office is closed")
        self.edges.append(edge)

    def told(self) -> list[tuple[str, ...]]:
        """What was heard, in short."""
        return [("raised" if edge.raised else "cleared", edge.kind, *edge.substations) for edge in self.edges]
