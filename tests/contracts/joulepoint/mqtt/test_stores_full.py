"""Where a store is full or away nothing is acknowledged, and what was seen through meanwhile is not done twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import Meter, meter_in
from tests.contracts.joulepoint.mqtt.conftest import Broker, refusals, topic
from wattline.gateways.model import Message
from wattline.metering.readings.service import Readings
from wattline.model.errors import StorageFull, Unavailable, WattlineError


@pytest.mark.parametrize("error", [StorageFull("full"), Unavailable("away")])
async def test_what_is_not_durable_is_not_acknowledged(
    depot: Depot, broker: Broker, meter: Meter, monkeypatch: pytest.MonkeyPatch, error: WattlineError
) -> None:
    tried, room = asyncio.Event(), asyncio.Event()
    submit = depot.platform.ingest.submit

    async def full(*given: Any, **named: Any) -> Any:
        if not room.is_set():
            tried.set()
            raise error
        return await submit(*given, **named)

    monkeypatch.setattr(depot.platform.ingest, "submit", full)
    device = await broker.of(meter)
    await device.publish(topic(meter), json.dumps({"total_power": 5.0, "timestamp": meter.at()}).encode())
    await asyncio.wait_for(tried.wait(), 10)
    # It is answered what it asks, and that is all that comes: no acknowledgement before the answer.
    await device.ping()
    assert await meter.stored() == {}
    room.set()
    assert await device.acknowledged(1) == 0
    assert [values["total_power"] for values in (await meter.stored()).values()] == [5.0]


async def test_what_was_stored_or_refused_is_not_again_because_another_waits(
    depot: Depot, broker: Broker, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await meter_in(depot)
    take, failures = Readings.take, [3]

    async def full(self: Readings, sender: Any, readings: Any, **named: Any) -> Any:
        if failures[0] and sender.meters == {other.id}:
            failures[0] -= 1
            raise StorageFull("full")
        depot.clock.advance(1)
        return await take(self, sender, readings, **named)

    monkeypatch.setattr(Readings, "take", full)
    handler = next(handler for pattern, handler in broker.gateway._routes if pattern.endswith("/energy"))
    device = await broker.of(meter)
    await device.subscribe(topic(meter, "errors"))
    group = [
        Message(topic(each), payload, depot.tenant)
        for each, payload in ((meter, b'{"total_power": 1.0}'), (meter, b"{"), (other, b'{"total_power": 2.0}'))
    ]
    for _ in range(3):
        with pytest.raises(StorageFull):
            await handler(group)
    await handler(group)
    for each, power in ((meter, 1.0), (other, 2.0)):
        assert [values["total_power"] for values in (await each.stored()).values()] == [power]
    assert (await refusals(device))["code"] == "malformed_json"
    await device.ping()
    # The same words from the same device later are another message.
    await handler([Message(*message) for message in group])
    assert len(await meter.stored()) == 2
