"""Whatever comes by MQTT, nothing raises, and what is no reading is counted as a dead letter."""

from __future__ import annotations

import asyncio
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.mcs.mqtt.block import PREFIX, TENANT, Site
from wattline.contracts.mcs.mqtt.options import McsMqttOptions
from wattline.gateways.model import Message
from wattline.model.clock import ManualClock
from wattline.state.database import Database
from wattline.state.migrate import migrate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("ts", "v", "u", "q", "seq", "state", "previous", "trigger", "valves", "operator", "alarm_id", "action", "priority")
NAMES += ("sensor_tag", "value", "threshold", "direction", "edge_id", "adapters", "buffer", "request_id", "status", "result")
WORDS = st.sampled_from(
    [
        "2026-06-11T14:31:00Z",
        "GOOD",
        "EXPORT",
        "REJECT",
        "plc:x",
        "RAISED",
        "CLEARED",
        "P1",
        "CDU-01-T-SUP",
        "ab-1",
        "accepted",
        "°C",
    ]
)
VALVES = st.just({"v_exp": "OPEN", "v_rej": "OPEN"})
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSON | WORDS | VALVES, max_size=14)
PAYLOADS = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | OBJECTS.map(lambda value: json.dumps(value).encode())
)
TOPICS = st.sampled_from(
    [
        f"{PREFIX}/{rest}"
        for rest in (
            "thermal-l1/CDU-01-T-SUP",
            "mode/state",
            "alarms/P1",
            "edge/heartbeat",
            "command/response",
            "thermal-hx/NEW-1",
        )
    ]
) | st.text(max_size=30)


async def _open(directory: str, register: bool) -> tuple[Database, Site]:
    database = Database(f"sqlite+aiosqlite:///{Path(directory) / 'state.db'}")
    await migrate(database)
    clock = ManualClock(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))
    return database, await Site(database, clock, McsMqttOptions(register_unknown=register)).open()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.tuples(TOPICS, PAYLOADS), max_size=25), max_size=4), st.booleans())
def test_nothing_that_comes_raises(batches: list[list[tuple[str, bytes]]], register: bool) -> None:
    async def run(directory: str) -> None:
        database, site = await _open(directory, register)
        for batch in batches:
            await site.mqtt.handle([Message(topic, payload, TENANT, 1) for topic, payload in batch])
        assert "INTERNAL_ERROR" not in site.letters.totals
        count = sum(len(batch) for batch in batches)
        assert sum(site.letters.totals.values()) <= count
        await site.letters.flush()
        await database.close()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(directory))
