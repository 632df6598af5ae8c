"""What devices send beside readings: half-cycle series, samples, events of power quality and of protection. From any door."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.metering.checks import Document
from wattline.metering.model import Meter
from wattline.metering.readings.model import Sender
from wattline.metering.service import Metering
from wattline.model.clock import DAY, MINUTE, SECOND, Clock
from wattline.model.errors import Faulty, Forbidden, NotFound
from wattline.quality.disturbance import LINES, PHASES, TYPES
from wattline.quality.half_cycle import LEAST_SAMPLES
from wattline.quality.protection.model import KINDS, MAIN, STATES, ProtectionEvent, Report
from wattline.quality.reported import Reported
from wattline.quality.row import FAMILIES, QualityEvent
from wattline.quality.service import Judged, PowerQuality
from wattline.quality.waveform import Capture, measured

AHEAD, BACK = 5 * MINUTE, 400 * DAY
"""How far from now what is sent may lie, as with readings."""
MOST_SAMPLES = 500_000
"""Of one channel in one body."""
MOST_VOLTS = 1e6
LEAST_CYCLES = 2
MOST_STEP = 1.25
"""How far apart the values of a half-cycle series may be, as a share of a cycle."""
SERIES = ("meter_id", "start", "step_s", "channels")
CAPTURE = ("meter_id", "start", "sample_rate_hz", "channels")
EVENT = (
    "meter_id",
    "type",
    "start",
    "end",
    "phases",
    "residual_pu",
    "max_pu",
    "value_pct",
    "threshold",
    "reference_v",
    "resolution_s",
    "source_event_id",
)
PROTECTION = (
    "meter_id",
    "kind",
    "breaker_id",
    "state",
    "prev_state",
    "current_a",
    "leakage_ma",
    "threshold",
    "cause",
    "timestamp",
    "source_event_id",
)
Volts = NDArray[np.float64]


class Followed(msgspec.Struct, frozen=True):
    """What became of a series or a capture, and what was measured in the latter."""

    meter: Meter
    judged: Judged
    capture: Capture | None = None


class Intake:
    """Checks what a sender sent, names all faults at once (`Faulty`), and hands it on.

    A meter that is not there raises `NotFound`, one that the key does not write for `Forbidden`. A body is JSON as it was read.
    """

    def __init__(self, quality: PowerQuality, metering: Metering, clock: Clock) -> None:
        self._quality = quality
        self._metering = metering
        self._clock = clock

    async def series(self, sender: Sender, body: object) -> Followed:
        """A half-cycle series: `start`, the time of the first value, `step_s`, and volts by channel, null where unknown."""
        document = Document(body, SERIES)
        meter = self._meter(sender, document)
        cycle = 1 / meter.nominal_frequency
        step = document.number("step_s", 0, MOST_STEP * cycle, cycle / 2, above=True) or cycle / 2
        names, volts = await asyncio.to_thread(_channels, document, meter, True)
        start = self._time(document, "start", length=len(volts) * step, required=True)
        document.done()
        apart = max(1, round(step * SECOND))
        times = start + np.round(np.arange(len(volts)) * (step * SECOND)).astype(np.int64)
        judged = await self._quality.take_rms(meter, times, volts, names=names, method="half_cycle_rms", resolution=apart)
        return Followed(meter, judged)

    async def capture(self, sender: Sender, body: object) -> Followed:
        """Samples: `start`, the time of the first, `sample_rate_hz`, and volts by channel."""
        document = Document(body, CAPTURE)
        meter = self._meter(sender, document)
        nominal = float(meter.nominal_frequency)
        rate = document.number("sample_rate_hz", LEAST_SAMPLES * nominal, 10e6, LEAST_SAMPLES * nominal, required=True)
        assert rate is not None
        names, volts = await asyncio.to_thread(_channels, document, meter, False)
        start = self._time(document, "start", length=len(volts) / rate, required=True)
        if not document.faults and len(volts) <= LEAST_CYCLES * rate / nominal:
            document.fault("channels", "too_short", f"must have more than {LEAST_CYCLES} cycles")
        document.done()
        method = self._quality.configs.config(meter).imbalance_method
        found = await asyncio.to_thread(measured, volts, start, rate, nominal, names, method)
        return Followed(meter, await self._quality.take_capture(meter, found, names), found)

    async def event(self, sender: Sender, body: object) -> tuple[QualityEvent, bool]:
        """An event that a meter detected; whether it is new. Raises `Conflict` as `PowerQuality.report` does."""
        document = Document(body, EVENT)
        meter = self._meter(sender, document)
        if not document.given("type"):
            document.fault("type", "required", "must be given")
        kind = document.choice("type", TYPES, "sag")
        start = self._time(document, "start", required=True)
        end = self._time(document, "end") if document.given("end") else None
        if end is not None and end < start:
            document.fault("end", "order", "must not be before the start")
        under, over = kind in FAMILIES["under"], kind in FAMILIES["over"]
        found = Reported(
            kind,
            start,
            end,
            tuple(_phases(document)),
            residual_pu=document.number("residual_pu", 0, 1 if under else 3, None),
            max_pu=document.number("max_pu", 1 if over else 0, 100, None),
            value_pct=document.number("value_pct", -1000, 1000, None),
            threshold=document.number("threshold", 0, 1000, None),
            reference_v=document.number("reference_v", 0, MOST_VOLTS, None, above=True),
            resolution_s=document.number("resolution_s", 0, 86_400, None),
            source_event_id=document.text("source_event_id"),
        )
        document.done()
        if found.source_event_id is None:
            # What is sent twice is one event, whether its sender numbers them or not.
            found = msgspec.structs.replace(found, source_event_id=f"{found.type}@{found.start}")
        return await self._quality.report(meter, found)

    async def protection(self, sender: Sender, body: object) -> tuple[ProtectionEvent, bool]:
        """An event of protection; whether it is new. Raises `Conflict` as `Protection.report` does."""
        document = Document(body, PROTECTION)
        meter = self._meter(sender, document)
        if not document.given("kind"):
            document.fault("kind", "required", "must be given")
        kind = document.choice("kind", KINDS, "breaker_state")
        if kind == "breaker_state" and not document.given("state") and not document.faults:
            document.fault("state", "required", "must be given: it is what this kind of event tells")
        found = Report(
            kind,
            self._time(document, "timestamp") if document.given("timestamp") else self._clock.micros(),
            document.text("breaker_id") or MAIN,
            state=document.choice("state", STATES, None),
            prev_state=document.choice("prev_state", STATES, None),
            current_a=document.number("current_a", -1e6, 1e6, None),
            leakage_ma=document.number("leakage_ma", 0, 1e9, None),
            threshold=document.number("threshold", 0, 1e9, None),
            cause=document.text("cause", longest=500),
            source_event_id=document.text("source_event_id"),
        )
        document.done()
        if found.source_event_id is None and document.given("timestamp"):
            found = msgspec.structs.replace(found, source_event_id=f"{found.kind}@{found.breaker[:100]}@{found.time}")
        return await self._quality.protection.report(meter, found)

    def _meter(self, sender: Sender, document: Document) -> Meter:
        """The meter that is meant: the one named, or the only one of the key."""
        number = document.identity("meter_id")
        if number is None:
            if sender.meters is None or len(sender.meters) != 1 or document.given("meter_id"):
                if not document.given("meter_id"):
                    document.fault("meter_id", "required", "must be given: the sender may write for several meters")
                raise Faulty(document.faults)
            (number,) = sender.meters
        elif sender.meters is not None and number not in sender.meters:
            raise Forbidden("this key does not write for this meter")
        meter = self._metering.meters.find(sender.tenant, number)
        if meter is None or (sender.sites is not None and meter.site not in sender.sites):
            raise NotFound("no such meter")
        return meter

    def _time(self, document: Document, name: str, *, length: float = 0.0, required: bool = False) -> int:
        """A time that is not too far from now, also `length` seconds later; now where it is wrong."""
        now = self._clock.micros()
        if required and not document.given(name):
            document.fault(name, "required", "must be given")
        found = document.moment(name)
        if found is None:
            return now
        if found + round(length * SECOND) > now + AHEAD:
            document.fault(name, "future", "must not be more than 5 minutes ahead")
        elif found < now - BACK:
            document.fault(name, "too_old", "must not be more than 400 days back")
        return found


def _phases(document: Document) -> list[str]:
    found = []
    for index, value in enumerate(document.items("phases", 6)):
        if value in (*PHASES, *LINES) and value not in found:
            found.append(value)
        else:
            document.fault(f"phases\0{index}", "bad_choice", f"must be one of {', '.join((*PHASES, *LINES))}, each once")
    return found


def _channels(document: Document, meter: Meter, gaps: bool) -> tuple[tuple[str, ...], Volts]:
    """The names of the channels and their values, samples x channels: phases or lines, not both, all as long."""
    nothing = (PHASES[:1], np.zeros((0, 1)))
    given = document.mapping("channels")
    if not given:
        document.fault("channels", "required", "must have the values of one channel at least")
        return nothing
    kind = next((kind for kind in (PHASES, LINES) if set(given) <= set(kind)), None)
    if kind is None or (meter.phases == 1 and set(given) != {"a"}):
        allowed = "a" if meter.phases == 1 else "phases (a, b, c) or lines (ab, bc, ca)"
        document.fault("channels", "bad_channels", f"the channels must be {allowed}")
        return nothing
    names = tuple(name for name in kind if name in given)
    columns = [_values(document, name, given[name], gaps) for name in names]
    if len({len(column) for column in columns}) > 1:
        document.fault("channels", "length", "all channels must have as many values")
        return nothing
    return names, np.stack(columns, axis=1)


def _values(document: Document, name: str, values: object, gaps: bool) -> NDArray[np.float64]:
    at = f"channels\0{name}"
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_SAMPLES:
        document.fault(at, "length", f"must be a list of 1 to {MOST_SAMPLES} numbers")
        return np.zeros(0)
    allowed = {int, float, type(None)} if gaps else {int, float}
    if not set(map(type, values)) <= allowed:
        document.fault(at, "type", "must hold numbers" + (", or null where a value is not known" if gaps else ""))
        return np.zeros(len(values))
    try:
        found = np.array(values, np.float64)
    except OverflowError:
        found = np.full(len(values), np.inf)
    low = 0.0 if gaps else -MOST_VOLTS
    known = found[~np.isnan(found)] if gaps else found
    if np.isnan(known).any() or ((known < low) | (known > MOST_VOLTS)).any():
        document.fault(at, "out_of_range", f"must hold finite values from {low:g} to {MOST_VOLTS:g} V")
    return found
