"""A long life of readings against a dictionary: in order and not, again, changed, over stops and crashes."""

from __future__ import annotations

import random

import pytest

from tests.metering.readings.conftest import Yard, reading
from wattline.metering.readings.ids import ulid
from wattline.metering.readings.ingested import event_of
from wattline.model.clock import HOUR, SECOND

FIELDS = ("total_power", "total_energy", "voltage_a")


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_told_is_what_is_stored(yard: Yard, seed: int) -> None:
    chance = random.Random(seed)
    meters = [await yard.meter() for _ in range(2)]
    model: dict[int, dict[int, dict[str, float]]] = {meter: {} for meter in meters}
    revisions: dict[tuple[int, int], int] = {}
    base = yard.now - HOUR
    written = 0
    for step in range(60):
        if chance.random() < 0.1:
            await yard.restart(crash=chance.random() < 0.5)
        if chance.random() < 0.3:
            # What a reading is held against is in the store, in memory, or in the journal alone.
            await yard.spine.pipeline.writer.flush()
        body, expected = [], []
        for _ in range(chance.choice([1, 1, 1, 5])):
            meter, time = chance.choice(meters), base + chance.randrange(step + 1) * SECOND
            fields = {name: float(chance.randrange(3)) for name in chance.sample(FIELDS, chance.randint(1, 3))}
            body.append(reading(meter, time, **fields))
            known = model[meter].get(time)
            joined = (known or {}) | fields
            if joined != known:
                revisions[meter, time] = revisions.get((meter, time), 0) + 1
                written += 1
            status = "stored" if known is None else "duplicate" if joined == known else "replaced"
            model[meter][time] = joined
            expected.append((status, revisions[meter, time]))
        assert await yard.take(*body) == expected
    for meter in meters:
        assert await yard.stored(meter) == model[meter]
        assert (await yard.statuses(meter)).keys() == model[meter].keys()
    events = [event_of(row, yard.meters.get("default", meter)) for row in yard.published() for meter in meters[:1]]
    assert len(events) == len({event["event_id"] for event in events}) == written


async def test_the_event_of_a_row_tells_the_whole_reading(yard: Yard) -> None:
    number = await yard.meter()
    meter, stream = yard.meters.get("default", number), yard.stream(number)
    time = yard.now - SECOND
    await yard.take(reading(number, time, total_power=5200.0, seq=4, quality="uncertain"))
    await yard.take(reading(number, time, total_energy=10.0, breaker_state="open", extra={"gas": 1.5}))
    stored, replaced = (event_of(row, meter) for row in yard.published())
    assert stored == {
        "meter_id": number,
        "timestamp": "2026-06-11T14:31:59Z",
        "total_power": 5200.0,
        "quality": "uncertain",
        "seq": 4,
        "event_id": ulid(stream.id, time),
        "status": "stored",
    }
    assert replaced == {
        **stored,
        "total_energy": 10.0,
        "breaker_state": "open",
        "extra": {"gas": 1.5},
        "event_id": ulid(stream.id, time, 1),
        "status": "replaced",
        "revision": 2,
    }
