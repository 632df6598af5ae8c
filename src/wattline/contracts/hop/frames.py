"""What the live stream sends: each thing that happened as one frame of Server-Sent Events, encoded once for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wattline.contracts.hop.devices import LAYOUT
from wattline.contracts.hop.happenings import alert_row, event_row
from wattline.contracts.hop.query_scores import score_row
from wattline.contracts.hop.times import spell
from wattline.events.model import Event
from wattline.feeders.service import KIND as GRID_EVENT
from wattline.model.record import Row
from wattline.notify.model import Alert
from wattline.outages.service import KIND as OUTAGE
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

TYPES = ("telemetry", "score", "event", "outage", "alert")
LOST = "gap"


class TelemetryFrame(msgspec.Struct):
    """A reading as the live stream shows it."""

    substation_id: str
    feeder_id: str | None
    device_id: str | None
    voltage_kv: float | None
    current_a: float | None
    power_mw: float | None
    frequency_hz: float | None
    status_code: str | None
    time: str


class OutageFrame(msgspec.Struct):
    """An outage record as the live stream shows it."""

    outage_id: str
    feeder_id: str
    status: str
    region: str | None
    customers_out: int
    mw_interrupted: float | None
    cause: str | None
    etr_time: str | None
    time: str
    substation_id: str | None


class Frame:
    """One thing that happened: its id in the stream, whose it is, and its text, which is made when it is first sent."""

    __slots__ = ("_source", "_text", "id", "kind", "site", "tenant")

    def __init__(self, number: int, kind: str, tenant: str | None, site: str | None, source: Any) -> None:
        self.id, self.kind, self.tenant, self.site = number, kind, tenant, site
        self._source = source
        self._text: bytes | None = None

    @property
    def text(self) -> bytes:
        """The frame in the format of Server-Sent Events."""
        if self._text is None:
            self._text = encode(self.id, self.kind, _shown(self._source))
            self._source = None
        return self._text


def encode(number: int, kind: str, shown: object) -> bytes:
    """One frame."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), msgspec.json.encode(shown))


def _shown(source: Any) -> object:
    match source:
        case (Stream() as stream, Row() as row):
            return _telemetry(stream, row) if stream.layout.name == LAYOUT.name else score_row(stream, row)
        case Event(kind=kind) if kind == GRID_EVENT:
            return event_row(source)
        case Event():
            return _outage(source)
        case Alert():
            return alert_row(source)
    return source


def _telemetry(stream: Stream, row: Row) -> TelemetryFrame:
    names = stream.device.attributes
    feeder, device = names.get("feeder_id"), names.get("device_id")
    voltage, current, power, frequency = row.values
    return TelemetryFrame(
        stream.device.site.key, feeder, device, voltage, current, power, frequency, row.status, spell(row.time)
    )


def _outage(event: Event) -> OutageFrame:
    body = event.body
    return OutageFrame(
        body["outage_id"],
        body["feeder_id"],
        body["status"],
        body.get("region"),
        body["customers_out"],
        body.get("mw_interrupted"),
        body.get("cause"),
        body.get("etr_time"),
        spell(event.time),
        event.site,
    )


class Framer:
    """Turns messages of the bus into frames; scores of models that the contract does not show are left out."""

    def __init__(self, registry: Registry, shown_model: str) -> None:
        self._registry = registry
        self._shown_model = shown_model

    def frames(self, message: object, first: int) -> list[Frame]:
        """The frames of one message, with ids from `first` on."""
        if isinstance(message, list):
            return self._rows(message, first)
        if isinstance(message, Event) and message.kind in (GRID_EVENT, OUTAGE):
            kind = "event" if message.kind == GRID_EVENT else "outage"
            return [Frame(first, kind, message.tenant, message.site, message)]
        if isinstance(message, Alert):
            return [Frame(first, "alert", message.tenant, message.site, message)]
        return []

    def _rows(self, rows: Sequence[Row], first: int) -> list[Frame]:
        frames: list[Frame] = []
        find = self._registry.stream
        for row in rows:
            stream = find(row.stream)
            name = stream.layout.name
            if name == LAYOUT.name:
                kind = "telemetry"
            elif name == "score" and stream.device.attributes.get("model_version") == self._shown_model:
                kind = "score"
            else:
                continue
            site = stream.device.site
            frames.append(Frame(first + len(frames), kind, site.tenant, site.key, (stream, row)))
        return frames
