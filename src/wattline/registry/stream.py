"""A stream: the sensors that one device reports together, and its newest rows."""

from __future__ import annotations

from wattline.model.place import Device, Layout, Sensor
from wattline.model.record import NEVER, Row


class Stream:
    """The live handle of a stream; one object per stream in a process, so that its head is always current.

    `admitted` is the time of the newest row taken in, committed or about to be; only `ingest` writes it.
    `latest` is the newest committed row; it never goes back in time.
    """

    __slots__ = ("admitted", "device", "id", "latest", "layout", "sensor_ids", "sensors")

    def __init__(self, stream_id: int, device: Device, layout: Layout, sensors: tuple[Sensor, ...]) -> None:
        self.id = stream_id
        self.device = device
        self.layout = layout
        self.sensors = sensors
        self.sensor_ids = tuple(sensor.id for sensor in sensors)
        self.admitted = NEVER
        self.latest: Row | None = None

    def sensor_id(self, quantity: str) -> int:
        """The sensor of one column; `KeyError` where the layout has no such quantity."""
        for sensor in self.sensors:
            if sensor.quantity.name == quantity:
                return sensor.id
        raise KeyError(quantity)

    def __repr__(self) -> str:
        return f"Stream({self.id}, {self.device.site.key}/{self.device.key}, {self.layout.name})"
