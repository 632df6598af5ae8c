"""From RMS voltages to events: the reference, fixed or sliding, and the two state machines beside one another."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from wattline.model.clock import MINUTE, SECOND
from wattline.quality.config import Config
from wattline.quality.disturbance import Disturbance, Method, Type
from wattline.quality.polyphase import Times, Trace, Under, Values, follow_over

KEPT = 0.9967
"""What a sliding reference keeps of itself in 10 or 12 cycles (0.2 s): a filter of the first order with one minute."""
BLOCK_SECONDS = 0.2
LONG = MINUTE
"""A sag or swell beyond this is an undervoltage or overvoltage (IEEE 1159)."""


class RmsState(msgspec.Struct):
    """What a detector is between two pieces of a trace; `squares`, `counted` and `disturbed` are of the block of 10 or 12
    cycles that is not complete."""

    last: int | None = None
    under: Disturbance | None = None
    over: Disturbance | None = None
    reference: list[float] = []
    squares: list[float] = []
    counted: list[int] = []
    filled: int = 0
    disturbed: bool = False


class RmsDetector:
    """Follows RMS voltages (V) of channels, in pieces of any size: how a trace is cut changes nothing.

    Samples must come in the order of their times, and have a value of at least one channel.
    """

    def __init__(self, state: RmsState) -> None:
        self.state = state

    def feed(
        self,
        times: Times,
        volts: Values,
        config: Config,
        *,
        names: Sequence[str],
        method: Method,
        resolution: int | None = None,
    ) -> list[Disturbance]:
        """The events that began, changed their type or ended, by their start. `names` are those of the columns of `volts`.

        `resolution` is how far apart samples are (us); None where each sample tells of the interval since the one before.
        """
        told: list[Disturbance] = []
        state = self.state
        if not config.sliding or len(state.reference) != volts.shape[1]:
            state.reference = [config.nominal_voltage] * volts.shape[1]
        place = 0
        block = 1 if resolution is None else max(1, round(BLOCK_SECONDS * SECOND / resolution))
        while place < len(times):
            stop = min(len(times), place + block - state.filled) if config.sliding else len(times)
            piece = _Piece(times[place:stop], volts[place:stop], config, tuple(names), method, resolution)
            self._piece(piece, told)
            place = stop
        for event in told:
            _name_long(event)
        for lasting in (state.under, state.over):
            if lasting is not None and not lasting.tail and _name_long(lasting) and not any(lasting is each for each in told):
                told.append(lasting)
        return sorted(told, key=lambda event: event.start)

    def _piece(self, piece: _Piece, told: list[Disturbance]) -> None:
        state = self.state
        reference = np.array(state.reference)
        before = state.last
        was_disturbed = state.under is not None or state.over is not None
        count = len(told)
        trace = Trace(piece.times, piece.volts / reference)
        others: dict[tuple[float, ...], Trace] = {}

        def new(kind: Type, place: int) -> Disturbance:
            return piece.begin(kind, place, before, state.reference)

        def judged(event: Disturbance | None) -> Trace:
            # An event is judged by the reference that it began with, whatever the config says since.
            if event is None or event.reference == state.reference or len(event.reference) != len(reference):
                return trace
            own = others.get(tuple(event.reference))
            if own is None:
                own = others[tuple(event.reference)] = Trace(piece.times, piece.volts / np.array(event.reference))
            return own

        state.under = Under(judged, piece.config, new, told).follow(state.under)
        state.over = follow_over(state.over, judged, piece.config, new, told)
        state.last = int(piece.times[-1])
        disturbed = was_disturbed or len(told) > count or state.under is not None or state.over is not None
        if piece.config.sliding:
            self._slide(piece, before, disturbed)

    def _slide(self, piece: _Piece, before: int | None, disturbed: bool) -> None:
        """Add a piece to the block, and let the block move the reference once it is complete."""
        state, channels = self.state, piece.volts.shape[1]
        if not state.filled:
            state.squares, state.counted, state.disturbed = [0.0] * channels, [0] * channels, False
        known = ~np.isnan(piece.volts)
        state.squares = (np.array(state.squares) + (np.where(known, piece.volts, 0.0) ** 2).sum(axis=0)).tolist()
        state.counted = (np.array(state.counted) + known.sum(axis=0)).tolist()
        state.filled += len(piece.times)
        state.disturbed |= disturbed
        whole = 1 if piece.resolution is None else max(1, round(BLOCK_SECONDS * SECOND / piece.resolution))
        if state.filled < whole:
            return
        state.filled = 0
        if state.disturbed:
            return
        seconds = BLOCK_SECONDS
        if piece.resolution is None:
            seconds = BLOCK_SECONDS if before is None else (state.last or before) / SECOND - before / SECOND
        kept = KEPT ** (seconds / BLOCK_SECONDS)
        state.reference = [
            kept * former + (1 - kept) * (squares / counted) ** 0.5 if counted else former
            for former, squares, counted in zip(state.reference, state.squares, state.counted, strict=True)
        ]


class _Piece(msgspec.Struct, frozen=True):
    """Samples that are judged by one reference."""

    times: Times
    volts: Values
    config: Config
    names: tuple[str, ...]
    method: Method
    resolution: int | None

    def begin(self, kind: Type, place: int, before: int | None, reference: Sequence[float]) -> Disturbance:
        """An event that begins at a place."""
        start = int(self.times[place])
        previous = int(self.times[place - 1]) if place else before
        apart = self.resolution or (0 if previous is None else start - previous)
        return Disturbance(
            kind,
            start,
            start,
            self.method,
            apart,
            self.config,
            self.names,
            before=previous,
            reference=list(reference),
            grace=max(self.config.cycle, apart),
        )


def _name_long(event: Disturbance) -> bool:
    """Call a sag or swell of more than a minute what it is; whether its name changed."""
    longer: dict[str, Type] = {"sag": "undervoltage", "swell": "overvoltage"}
    if event.type not in longer or event.at_least <= LONG:
        return False
    event.contains = [*event.contains, event.type]
    event.type = longer[event.type]
    return True
