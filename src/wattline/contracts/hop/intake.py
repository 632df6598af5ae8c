"""From telemetry bodies to rows: the fast way for what is plainly right, the thorough way for everything else.

The fast way takes a record only if the thorough way would take it with the same values (a property test compares them);
whatever it does not take is read again, thoroughly, and the verdict of that reading counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from wattline.contracts.hop.bodies import Telemetry
from wattline.contracts.hop.devices import Devices, Entry, Key
from wattline.contracts.hop.explain import Explainer, Window, has_control
from wattline.contracts.hop.times import Times
from wattline.metrics import Metrics
from wattline.model.clock import DAY, SECOND, Clock
from wattline.model.errors import Forbidden
from wattline.model.principal import Principal
from wattline.model.record import Quality, Row
from wattline.settings import Settings

LARGEST = 1e300
"""A sum of four values beyond this says nothing about each of them, so they are looked at one by one."""
USUAL_HZ = (45.0, 65.0)
"""Outside of this a frequency is kept and marked UNCERTAIN."""
UNUSUAL = (0, 0, 0, int(Quality.UNCERTAIN))
REMEMBERED = 1024


class Strict(Telemetry, forbid_unknown_fields=True, gc=False):
    """The same body, refusing fields that it does not name: so that they are noticed without a second parse of each body."""


class Intake:
    """Decodes, judges and resolves telemetry records."""

    def __init__(self, devices: Devices, settings: Settings, clock: Clock, metrics: Metrics) -> None:
        self.devices = devices
        self.explainer = Explainer(Telemetry)
        self.strict = msgspec.json.Decoder(Strict, strict=False)
        self._lenient = msgspec.json.Decoder(Telemetry, strict=False)
        self._times = Times()
        self._clock = clock
        self._metrics = metrics
        self._kept = settings.retention_raw_days * DAY
        self._ahead = round(settings.max_future_seconds * SECOND)
        self._statuses: set[str | None] = {None}

    def window(self) -> tuple[int, Window]:
        """Now, and which times are taken now."""
        now = self._clock.micros()
        return now, Window(now - self._kept, now + self._ahead)

    def decode(self, body: bytes | msgspec.Raw) -> Telemetry | None:
        """The record in a body, or None where only the thorough way can say. Fields that are not named are counted."""
        try:
            return self.strict.decode(body)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            record = self._lenient.decode(body)
            self._metrics.unknown_fields.add(self.explainer.unknown(body), "hop")
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return record

    def row(self, entries: Mapping[Key, Entry], record: Telemetry, now: int, window: Window) -> tuple[Row, Entry] | None:
        """The row of a record that is plainly right, of a known device that says nothing new of its site; else None."""
        entry = entries.get((record.substation_id, record.feeder_id, record.device_id))
        if entry is None or (record.site_name, record.latitude, record.longitude) != entry.described:
            return None
        voltage, current, power, frequency = record.voltage_kv, record.current_a, record.power_mw, record.frequency_hz
        if not -LARGEST < voltage + current + power + frequency < LARGEST:
            return None
        if record.status_code not in self._statuses and not self._new_status(record.status_code):
            return None
        quality: int | tuple[int, ...] = 0 if 45.0 <= frequency <= 65.0 else UNUSUAL
        if record.timestamp is None:
            time = now
        else:
            try:
                time, stated = self._times(record.timestamp)
            except ValueError:
                return None
            if not window.oldest <= time <= window.newest:
                return None
            if not stated:
                quality = 1
        return Row(entry.stream_id, time, now, (voltage, current, power, frequency), quality, record.status_code), entry

    def _new_status(self, status: str | None) -> bool:
        if status is None or has_control(status):
            return False
        if len(self._statuses) > REMEMBERED:
            self._statuses = {None}
        self._statuses.add(status)
        return True

    def judge(self, principal: Principal, body: bytes | msgspec.Raw, window: Window) -> Telemetry:
        """The record in a body, thoroughly: raises `Refused` with every fault, `Forbidden` for another's substation."""
        record = self.explainer.read(body, window)
        check_site(principal, record.substation_id)
        return record

    async def admit(self, principal: Principal, record: Telemetry, now: int) -> tuple[Row, Entry]:
        """The row of a judged record; its device is registered and its site described, durably."""
        await self.devices.enrol(principal.tenant, [record])
        entry = self.devices.of(principal.tenant)[record.substation_id, record.feeder_id, record.device_id]
        time, stated = (now, True) if record.timestamp is None else self._times(record.timestamp)
        await self.devices.describe(entry, record, time)
        usual = USUAL_HZ[0] <= record.frequency_hz <= USUAL_HZ[1]
        quality = int(Quality.UNCERTAIN) if not stated else 0 if usual else UNUSUAL
        values = (record.voltage_kv, record.current_a, record.power_mw, record.frequency_hz)
        return Row(entry.stream_id, time, now, values, quality, record.status_code), entry


def check_site(principal: Principal, site: str) -> None:
    """Raise `Forbidden` for a substation that the key may not write to."""
    if principal.sites is not None and site not in principal.sites:
        raise Forbidden("this key has no access to this substation")
