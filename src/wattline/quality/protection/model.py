"""What protection reports, and how a breaker may change. Pure: no clock, no store."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Kind = Literal[
    "trip_overcurrent",
    "trip_short_circuit",
    "trip_earth_leakage",
    "trip_undervoltage",
    "trip_overvoltage",
    "trip_overtemperature",
    "arc_fault",
    "breaker_state",
    "earth_leakage_alarm",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["open", "closed", "tripped"]
STATES: tuple[State, ...] = ("open", "closed", "tripped")
MAIN = "main"
"""The breaker that is meant where none is named."""
READING = "reading"
"""The cause of an event that a reading told of."""

CAN_FOLLOW: dict[State, tuple[State, ...]] = {"closed": ("tripped", "open"), "tripped": ("open",), "open": ("closed",)}
"""A closed breaker trips, or is opened by hand; a tripped one is reset, which opens it; only an open one can be closed."""


class Breaker(msgspec.Struct, frozen=True):
    """A breaker of a meter as far as it is known. `since` is when it took its state, `time` when it was last heard of (us)."""

    meter: int
    breaker: str
    state: State
    since: int
    time: int


class Report(msgspec.Struct, frozen=True):
    """What a device says of one event; `time` in us, None where it says nothing."""

    kind: Kind
    time: int
    breaker: str = MAIN
    state: State | None = None
    prev_state: State | None = None
    current_a: float | None = None
    leakage_ma: float | None = None
    threshold: float | None = None
    cause: str | None = None
    source_event_id: str | None = None

    @property
    def implied(self) -> State | None:
        """The state that the breaker has after it: a trip is a trip also where nobody says so."""
        if self.state is not None:
            return self.state
        return "tripped" if self.kind.startswith("trip_") else None


class ProtectionEvent(msgspec.Struct, frozen=True):
    """One event as it is stored.

    `sequence_gap`: the breaker cannot have come from `prev_state` to `state` at once. `late`: something newer was known of the
    breaker already, so its state stayed as it was.
    """

    id: int
    tenant: str
    meter: int
    report: Report
    state: State | None
    prev_state: State | None
    sequence_gap: bool
    late: bool


class Step(msgspec.Struct, frozen=True):
    """What an event does to a breaker: the breaker after it (None: as before), and what the event is to say."""

    breaker: Breaker | None
    state: State | None
    prev_state: State | None
    sequence_gap: bool
    late: bool


def step(known: Breaker | None, meter: int, report: Report) -> Step:
    """Let a breaker, None where it was never heard of, take in an event."""
    state = report.implied
    before = None if known is None else known.state
    if known is not None and report.time < known.time:
        return Step(None, state, report.prev_state, False, True)
    gap = report.prev_state is not None and before is not None and report.prev_state != before
    if state is None:
        heard = None if known is None else Breaker(meter, known.breaker, known.state, known.since, report.time)
        return Step(heard, None, before or report.prev_state, gap, False)
    origin = report.prev_state or before
    gap = gap or (origin is not None and state != origin and state not in CAN_FOLLOW[origin])
    since = known.since if known is not None and known.state == state else report.time
    return Step(Breaker(meter, report.breaker, state, since, report.time), state, before or report.prev_state, gap, False)
