"""From a telemetry message to a row: which point, is the value sound, of what quality."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

from wattline.contracts.mcs.mqtt import units
from wattline.contracts.mcs.mqtt.payloads import MOST_BYTES, Decoder, Telemetry
from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.contracts.mcs.mqtt.sequences import Sequence
from wattline.contracts.mcs.mqtt.times import Times, Window
from wattline.contracts.mcs.mqtt.topics import Topic
from wattline.model.clock import SECOND
from wattline.model.record import Quality, Row
from wattline.registry.point import Point
from wattline.registry.service import Registry

QUALITIES = {
    None: int(Quality.GOOD),
    "GOOD": int(Quality.GOOD),
    "UNCERTAIN": int(Quality.UNCERTAIN),
    "SUSPECT": int(Quality.UNCERTAIN),
    "BAD": int(Quality.BAD),
}
BAD = int(Quality.BAD)
MOST_UNKNOWN = 10_000
UNKNOWN_FOR = 30 * SECOND
"""How long a tag stays unknown without another look, unless something is registered meanwhile."""
MOST_SPELLINGS = 16


@dataclass(slots=True)
class Known:
    """What is kept about a topic whose point is known."""

    point: Point
    tag: str
    is_boolean: bool
    units: set[str | None] = field(default_factory=lambda: {None})
    """Ways to write the unit that were found to be the sensor's."""
    sequence: Sequence = field(default_factory=Sequence)


class Readings:
    """Resolves and judges telemetry messages."""

    def __init__(self, registry: Registry, decoder: Decoder, times: Times) -> None:
        self._registry = registry
        self._decode = decoder.telemetry.decode
        self._explain = decoder.read
        self._times = times
        self._known: dict[tuple[str, str], Known] = {}
        self._unknown: dict[tuple[str, str], tuple[int, int]] = {}

    def known(self, tenant: str, topic: str) -> Known | None:
        """What was resolved before."""
        found = self._known.get((tenant, topic))
        # A point that was given another tag since is looked for anew.
        return found if found is not None and found.point.tag == found.tag else None

    def is_unknown(self, tenant: str, topic: str, now: int) -> bool:
        """Whether this topic's tag was looked for lately, in vain."""
        found = self._unknown.get((tenant, topic))
        return found is not None and found[0] == self._registry.counts[tenant] and now < found[1]

    def resolve(self, tenant: str, topic: str, named: Topic, now: int) -> Known:
        """The point of a telemetry topic. Raises `Refused` as SENSOR_UNKNOWN, and remembers that for a while."""
        block = self._registry.block(tenant, named.site, named.block)
        point = None if block is None else self._registry.tagged(block.id, named.tag)
        if point is None:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[tenant, topic] = (self._registry.counts[tenant], now + UNKNOWN_FOR)
            raise unknown(named)
        boolean = point.kind == "state" or units.normal(point.unit) == "bool"
        made = self._known[tenant, topic] = Known(point, named.tag, boolean)
        return made

    def row(self, known: Known, payload: bytes, window: Window) -> Row:
        """The row of a message. Raises `Refused`."""
        if len(payload) > MOST_BYTES:
            raise Refused("PARSE_ERROR", f"a payload has at most {MOST_BYTES} bytes")
        try:
            told = self._decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = self._explain(payload, Telemetry)
        time = self._times(told.ts)
        if not window.oldest <= time <= window.newest:
            window.check(time)
        quality = QUALITIES.get(told.q)
        if quality is None:
            quality = _quality(told.q)
        if told.u not in known.units:
            _check_unit(known, told.u)
        value = told.v
        if type(value) is not float or not math.isfinite(value):
            value = _value(value, quality, known.is_boolean)
        sensor = known.point.sensor
        if quality == 0 and (
            (sensor.range_min is not None and value < sensor.range_min)
            or (sensor.range_max is not None and value > sensor.range_max)
        ):
            quality = int(Quality.UNCERTAIN)
        if told.seq is not None:
            known.sequence.note(told.seq, time)
        return Row(known.point.stream.id, time, window.now, (value,), quality)

    def sequences(self) -> dict[int, Sequence]:
        """What the sequence numbers of each sensor tell, by sensor id."""
        return {known.point.id: known.sequence for known in self._known.values()}


def unknown(named: Topic) -> Refused:
    """The refusal of a tag that is not registered."""
    return Refused("SENSOR_UNKNOWN", f"there is no sensor {named.tag} in block {named.site}/{named.block}")


def _quality(word: str | None) -> int:
    found = QUALITIES.get(word.upper() if word else None)
    if not word or found is None:
        raise Refused("PARSE_ERROR", "q is GOOD, UNCERTAIN or BAD")
    return found


def _check_unit(known: Known, unit: str | None) -> None:
    sensor_unit = known.point.unit
    if unit is None or units.same(unit, sensor_unit) or (known.is_boolean and not units.normal(unit)):
        if len(known.units) < MOST_SPELLINGS:
            known.units.add(unit)
        return
    raise Refused("VALUE_ERROR", f"u is {unit[:32]!r}, and the sensor's unit is {sensor_unit!r}")


def _value(value: object, quality: int, is_boolean: bool) -> float:
    """A value that is not plainly a finite float. What a failed read gives for a value says nothing: it is stored as 0."""
    if isinstance(value, bool):
        if not is_boolean:
            raise Refused("VALUE_ERROR", "v is true or false, and the sensor is not boolean")
        return float(value)
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    if quality == BAD:
        return 0.0
    raise Refused("VALUE_ERROR", "v is not a finite number")
