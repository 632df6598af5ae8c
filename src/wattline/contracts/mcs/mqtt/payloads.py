"""The payloads of the contract, decoded. Keys that the schema does not name are passed over."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from wattline.contracts.mcs.mqtt.refusal import Refused

Priority = Literal["P0", "P1", "P2", "P3"]
Mode = Literal["STARTUP", "EXPORT", "MIXED", "REJECT", "MAINTENANCE"]
Position = Literal["OPEN", "CLOSED", "MODULATING"]
MOST_BYTES = 65_536


class Telemetry(msgspec.Struct, gc=False):
    """One reading. `v` is a number; true and false where the point is boolean; anything at all where `q` is BAD."""

    ts: str | float
    v: float | bool | str | None = None
    u: str | None = None
    q: str | None = None
    seq: int | None = None


class Valves(msgspec.Struct):
    v_exp: Position
    v_rej: Position


class ModeState(msgspec.Struct):
    """A transition of a block's thermal mode, as its safety PLC made it."""

    ts: str | float
    state: Mode
    previous: Mode
    trigger: str
    valves: Valves
    guards: dict[str, Any] | None = None
    operator: str | None = None


class AlarmEvent(msgspec.Struct):
    """A device annunciates a condition by itself."""

    ts: str | float
    alarm_id: str
    action: Literal["RAISED", "CLEARED", "ESCALATED"]
    sensor_tag: str
    priority: Priority | None = None
    value: float | bool | None = None
    threshold: float | bool | None = None
    direction: Literal["HIGH", "LOW", "BOOL"] | None = None
    description: str | None = None


class Adapter(msgspec.Struct):
    status: str
    errors_total: float | None = None


class Buffer(msgspec.Struct):
    """The edge's store-and-forward memory."""

    depth: float = 0.0
    capacity: float = 0.0
    cloud_connected: bool = True
    replay_active: bool = False


class System(msgspec.Struct):
    cpu_pct: float | None = None
    mem_pct: float | None = None
    disk_pct: float | None = None
    temp_c: float | None = None


class Heartbeat(msgspec.Struct):
    """An edge computer says that it is alive, every 30 s."""

    ts: str | float
    edge_id: str
    adapters: dict[str, Adapter] = {}
    buffer: Buffer = msgspec.field(default_factory=Buffer)
    system: System | None = None
    uptime_s: float | None = None


class Response(msgspec.Struct):
    """What an edge computer did with a command."""

    ts: str | float
    request_id: str
    status: Literal["accepted", "rejected", "error"]
    reason: str | None = None
    result: Any = None


Payload = TypeVar("Payload", bound=msgspec.Struct)


class Decoder:
    """Decoders by type, made once."""

    def __init__(self) -> None:
        self.telemetry = msgspec.json.Decoder(Telemetry)
        self._decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {Telemetry: self.telemetry}

    def read(self, payload: bytes, kind: type[Payload]) -> Payload:
        """The payload. Raises `Refused` as a PARSE_ERROR."""
        if len(payload) > MOST_BYTES:
            raise Refused("PARSE_ERROR", f"a payload has at most {MOST_BYTES} bytes")
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.json.Decoder(kind)
        try:
            found: Payload = decoder.decode(payload)
        except msgspec.ValidationError as error:
            raise Refused("PARSE_ERROR", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refused("PARSE_ERROR", "the payload is not JSON") from None
        except RecursionError:
            raise Refused("PARSE_ERROR", "the payload is nested too deeply") from None
        return found
