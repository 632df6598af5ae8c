"""What the plant's edge gateway says: topics and payloads of the public MQTT contract, schema 1.0.0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattline.model.clock import from_micros
from wattline.simulate.plant.definition import BLOCK, BY_TAG, SITE
from wattline.simulate.plant.instruments import Shown
from wattline.simulate.plant.model import State
from wattline.simulate.plant.modes import OPENING, P0, Mode, Transition

ROOT = f"{SITE}/{BLOCK}"
"""The topics of the block, below the first level that a broker gives all of them (microlink in the contract)."""
EDGE_ID = f"{SITE}-01"
CAPACITY = 5_000_000
"""Messages that the gateway's memory holds, as the contract has it; the plant can say all of its past anew at any time."""
COMMANDS = f"{ROOT}/command/+"
RESPONSE = f"{ROOT}/command/response"


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to send. All go with QoS 1: the contract asks for 0 for readings, but then none would be durable."""

    topic: str
    payload: bytes
    retain: bool


def iso_millis(at: int) -> str:
    """Microseconds since 1970 as ISO 8601 with milliseconds and Z."""
    return from_micros(at).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _publication(path: str, body: Mapping[str, Any], *, retain: bool) -> Publication:
    return Publication(f"{ROOT}/{path}", json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), retain)


def reading(shown: Shown, at: int, sequence: int) -> Publication:
    """One instrument's value. The alarm is left to the platform's own limits."""
    body = {
        "ts": iso_millis(at),
        "v": shown.value,
        "u": shown.unit,
        "q": shown.quality,
        "alarm": None,
        "seq": sequence,
    }
    return _publication(f"{BY_TAG[shown.tag].equipment.subsystem}/{shown.tag}", body, retain=True)


def _valves(mode: Mode) -> dict[str, str]:
    opening = OPENING[mode]
    if mode == "MIXED":
        return {"v_exp": "MODULATING", "v_rej": "MODULATING"}
    return {"v_exp": "OPEN" if opening > 0.5 else "CLOSED", "v_rej": "CLOSED" if opening > 0.5 else "OPEN"}


def mode_change(change: Transition, state: State) -> Publication:
    """The controller's report of a change of the thermal mode, with what it looked at."""
    body = {
        "ts": iso_millis(change.at),
        "state": change.mode,
        "previous": change.previous,
        "trigger": change.trigger,
        "valves": _valves(change.mode),
        "guards": {
            "loop2_supply_temp": round(state.loops.back, 1),
            "host_demand_active": change.mode != "REJECT",
            "all_safety_good": change.trigger != f"auto:{P0}",
            "loop2_pressure_ok": True,
        },
        "operator": None,
    }
    return _publication("mode/state", body, retain=True)


@dataclass(frozen=True, slots=True)
class Health:
    """How the gateway is: when it started and last read its instruments (us), what it read, what waits to be sent,
    and its computer's figures under the contract's own names."""

    started: int
    last_read: int
    reads: int
    waiting: int
    connected: bool
    replaying: bool
    computer: Mapping[str, float]


def heartbeat(health: Health, at: int) -> Publication:
    """The sign of life."""
    adapter = {
        "status": "running",
        "last_read_ts": iso_millis(health.last_read),
        "reads_total": health.reads,
        "errors_total": 0,
        "devices_online": 12,
        "devices_total": 12,
    }
    buffer = {
        "depth": health.waiting,
        "capacity": CAPACITY,
        "cloud_connected": health.connected,
        "replay_active": health.replaying,
    }
    body = {
        "ts": iso_millis(at),
        "edge_id": EDGE_ID,
        "uptime_s": max(at - health.started, 0) // 1_000_000,
        "adapters": {"modbus": adapter},
        "buffer": buffer,
        "system": health.computer,
    }
    return _publication("edge/heartbeat", body, retain=True)


def response(request_id: str, command: object, health: Health, at: int) -> Publication:
    """The answer to a command: a request for diagnostics is met, everything else is declined with the reason."""
    body: dict[str, Any] = {"ts": iso_millis(at), "request_id": request_id}
    if command == "diagnostics_request":
        body |= {"status": "accepted", "result": {"reads_total": health.reads, "buffer_depth": health.waiting}}
    elif command == "mode_override":
        body |= {"status": "rejected", "reason": "the safety controller decides the mode"}
    else:
        body |= {"status": "rejected", "reason": "this gateway does not do that"}
    return _publication("command/response", body, retain=False)
