"""A block with a few points, its alarms and its event log; what the contract submits is committed at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wattline.alarms.service import Alarms
from wattline.contracts.mcs.mqtt.commands import Commands
from wattline.contracts.mcs.mqtt.options import McsMqttOptions
from wattline.contracts.mcs.mqtt.service import McsMqtt
from wattline.contracts.mcs.mqtt.times import spell
from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.happenings import Happenings
from wattline.gateways.model import Message
from wattline.model.clock import SECOND, ManualClock
from wattline.model.record import Row
from wattline.registry.point import Point, PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database

TENANT, SITE, BLOCK = "acme", "baldwinsville", "block-01"
PREFIX = f"microlink/{SITE}/{BLOCK}"
POINTS = (
    PointSpec("CDU-01-T-SUP", "CDU-01", "thermal-l1", "°C", range_min=0, range_max=80),
    PointSpec("ENV-RH", "ENV-01", "environmental", "% RH"),
    PointSpec("HOST-FLOW", "HOST", "host-bms", "L/min"),
    PointSpec("LSH-01", "LSH-01", "thermal-safety", "bool", kind="state"),
    PointSpec("MET-T1-kWht", "MET-T1", "thermal-hx", "kWht", kind="counter"),
)


@dataclass
class Plain:
    """Takes rows as ingest does, in memory."""

    registry: Registry
    rows: list[Row] = field(default_factory=list)
    failure: Exception | None = None

    async def submit(self, rows: Sequence[Row]) -> None:
        if self.failure is not None:
            raise self.failure
        self.rows.extend(rows)
        for row in rows:
            stream = self.registry.stream(row.stream)
            if stream.latest is None or row.time >= stream.latest.time:
                stream.latest = row


@dataclass
class Sent:
    """Keeps what is published, or fails."""

    messages: list[tuple[str, dict[str, Any], str, int]] = field(default_factory=list)
    failure: Exception | None = None

    async def publish(self, topic: str, payload: bytes, *, tenant: str, qos: int = 1, retain: bool = False) -> None:
        if self.failure is not None:
            raise self.failure
        self.messages.append((topic, json.loads(payload), tenant, qos))


class Site:
    """Everything that the contract touches."""

    def __init__(self, database: Database, clock: ManualClock, options: McsMqttOptions | None = None) -> None:
        self.clock = clock
        self.registry = Registry(database, clock=clock)
        self.events = EventLog(database)
        self.alarms = Alarms(database, self.events, self.registry, clock, lambda topic, message: None)
        self.letters = DeadLetters(database, clock)
        self.told: list[Event] = []
        self.happenings = Happenings(database, self.events, self.registry, self.told.append)
        self.sender = Sent()
        self.ingest = Plain(self.registry)
        self.options = options or McsMqttOptions()
        self.commands = Commands(self.sender, self.happenings, clock, self.options.prefix)

    async def open(self) -> Site:
        await self.registry.load()
        await self.registry.put_points(TENANT, SITE, BLOCK, POINTS)
        await self.alarms.load()
        self.mqtt = McsMqtt(
            self.registry,
            self.ingest,
            self.alarms,
            self.happenings,
            self.commands,
            self.letters,
            self.clock,
            self.options,
        )
        return self

    def point(self, tag: str) -> Point:
        block = self.registry.block(TENANT, SITE, BLOCK)
        assert block is not None
        found = self.registry.tagged(block.id, tag)
        assert found is not None
        return found

    def ts(self, seconds: float = 0) -> str:
        """A time so many seconds from now, as the contract writes it."""
        return spell(self.clock.micros() + round(seconds * SECOND))

    async def hand(
        self, topic: str, payload: object, *, tenant: str = TENANT, retained: bool = False, below: str = PREFIX
    ) -> None:
        """One message, its payload as JSON unless it is bytes."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self.mqtt.handle([Message(f"{below}/{topic}", data, tenant, 1, retained)])

    async def reading(self, tag: str = "CDU-01-T-SUP", subsystem: str = "thermal-l1", **told: Any) -> None:
        await self.hand(f"{subsystem}/{tag}", {"ts": self.ts(), "v": 31.2, **told})

    def refused(self) -> dict[str, int]:
        """Dead letters by category."""
        return dict(self.letters.totals)

    async def why(self) -> list[str]:
        """What the dead letters say, newest first."""
        await self.letters.flush()
        return [letter.message for letter in await self.letters.newest(TENANT)]
