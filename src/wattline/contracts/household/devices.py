"""POST /token, /sensor_input and /script_accepted: the routes of devices that read meters.

A token is in `Authorization` or, as the published devices have it, in the message. 200 means that a reading is durable.
"""

from __future__ import annotations

from math import inf

from starlette.types import ASGIApp

from wattline.contracts.household import device_json
from wattline.contracts.household.device_door import Door
from wattline.contracts.household.gate import secret_of
from wattline.contracts.household.replies import STORED, STORED_JSON, Reply, granted, script_id
from wattline.contracts.household.wire import requests
from wattline.contracts.household.wire.timestamps import OutOfRange, instant_of
from wattline.households.meters.model import Kind, Measurement, Meter, Refused, mac_of
from wattline.households.meters.service import Meters
from wattline.households.service import Households
from wattline.metrics import Metrics
from wattline.model.errors import Invalid, NotFound, Unauthenticated

PATHS = ("/token", "/sensor_input", "/script_accepted")
NOT_POSITIVE = "Value is equal to or less than zero"


class Tokens:
    """POST /token."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    async def __call__(self, body: bytes, as_json: bool, _key: bytes | None) -> Reply:
        asked = device_json.token_request(body) if as_json else requests.token_request(body)
        grant = await self._meters.issue(asked.client_id, need_script=asked.need_script, secret=asked.secret)
        return granted(grant, asked.kind, as_json=as_json)


class Readings:
    """POST /sensor_input."""

    def __init__(self, meters: Meters, metrics: Metrics) -> None:
        self._meters = meters
        self._metrics = metrics

    async def __call__(self, body: bytes, as_json: bool, key: bytes | None) -> Reply:
        sent = device_json.reading(body) if as_json else requests.reading(body)
        value, kind = sent.value, sent.kind
        if not -inf < value + (sent.value_current or 0.0) + (sent.value_out or 0.0) < inf:
            raise Refused("Value is not a finite number")
        # Nothing was used since the last message of an analog meter: that is a reading.
        if value <= 0 and (value < 0 or kind):
            raise Refused(NOT_POSITIVE)
        time, unit = None, "ms"
        if sent.timestamp != 0:
            try:
                time, unit = instant_of(sent.timestamp)
            except OutOfRange:
                raise Refused("Timestamp out of range") from None
        meters = self._meters
        token = sent.access_token if key is None else _token(key, sent.access_token)
        meter = meters.known(token) or await _meter(meters, token)
        # The default of the message is analog: a device that leaves its type out must not have its counter added up.
        if kind is not None and kind != meter.kind:
            raise Refused("Type is not that of the registered sensor")
        analog = meter.kind is Kind.ANALOG_ELECTRICITY
        if value <= 0 and not analog:
            raise Refused(NOT_POSITIVE)
        # Adding zero takes the sign off a negative zero.
        await meters.take(meter, Measurement(value + 0.0, analog, sent.value_out, sent.value_current, time, sent.single, unit))
        self._metrics.ingest_rows.add(1, "household")
        return STORED_JSON if as_json else STORED


class Scripts:
    """POST /script_accepted."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    async def __call__(self, body: bytes, as_json: bool, key: bytes | None) -> Reply:
        sent = device_json.script_accepted(body) if as_json else requests.script_accepted(body)
        meters = self._meters
        token = sent.access_token if key is None else _token(key, sent.access_token)
        meter = meters.known(token) or await _meter(meters, token)
        if sent.sensor_id is not None and not _names(sent.sensor_id, meter):
            raise NotFound("Sensor not found")
        if sent.script_id is not None and (meter.script is None or script_id(meter.script) != sent.script_id.lower()):
            raise NotFound("Script not found")
        await meters.accept_script(meter)
        return STORED_JSON if as_json else STORED


async def _meter(meters: Meters, token: str) -> Meter:
    if not token:
        raise Unauthenticated("Token not found")
    return await meters.authenticate(token)


def _token(key: bytes, inside: str) -> str:
    """The token of the header; one in the message must be the same."""
    held = secret_of(key.decode("latin-1")) or inside
    if inside and held != inside:
        raise Unauthenticated("Token invalid")
    return held


def _names(sensor_id: str, meter: Meter) -> bool:
    try:
        return mac_of(sensor_id) == meter.mac
    except Invalid:
        return False


def build(households: Households, metrics: Metrics) -> dict[str, ASGIApp]:
    """The three doors, by their paths at the root."""
    meters = households.meters
    token, sensor_input, script_accepted = PATHS
    return {
        token: Door(Tokens(meters), metrics, token=True),
        sensor_input: Door(Readings(meters, metrics), metrics),
        script_accepted: Door(Scripts(meters), metrics, bare=True),
    }
