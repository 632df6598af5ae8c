"""Readings on their way to the store: what each becomes, at once, late, again, after a restart."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.metering.readings.conftest import SENDER, Yard, reading
from wattline.metering.readings.ingested import event_of
from wattline.metering.readings.model import Outcome, Sender
from wattline.metering.readings.service import NotTaken
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.model.errors import QueueFull, Unavailable

STORED, DUPLICATE = ("stored", 1), ("duplicate", 1)


async def test_a_reading_is_new_once(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - MINUTE
    one = reading(meter, time, total_power=5200.0, voltage_a=230.1, seq=7)
    assert await yard.take(one) == [STORED]
    assert await yard.take(one) == [DUPLICATE]
    assert await yard.stored(meter) == {time: {"total_power": 5200.0, "voltage_a": 230.1}}
    assert await yard.statuses(meter) == {time: '{"seq":7}'}
    assert len(yard.published()) == 1


async def test_another_value_replaces_and_both_are_kept(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - MINUTE
    assert await yard.take(reading(meter, time, total_power=5200.0)) == [STORED]
    assert await yard.take(reading(meter, time, total_power=6000.0)) == [("replaced", 2)]
    assert await yard.take(reading(meter, time, total_power=6000.0)) == [("duplicate", 2)]
    assert await yard.take(reading(meter, time, total_power=5200.0)) == [("replaced", 3)]
    assert await yard.stored(meter) == {time: {"total_power": 5200.0}}
    kept = await yard.spine.pipeline.engine.query("SELECT value FROM replaced_readings ORDER BY revision")
    assert kept.column(0).to_pylist() == [5200.0, 6000.0]
    assert [event_of(row, yard.meters.get("default", meter))["status"] for row in yard.published()] == [
        "stored",
        "replaced",
        "replaced",
    ]


async def test_two_messages_of_one_second_are_one_reading(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - MINUTE
    power, energy = reading(meter, time, total_power=5200.0, seq=1), reading(meter, time, total_energy=1500.0, seq=2)
    assert await yard.take(power) == [STORED]
    assert await yard.take(energy) == [("replaced", 2)]
    # Delivered again, as QoS 1 may: nothing comes of it.
    assert await yard.take(power) == [("duplicate", 2)]
    assert await yard.take(energy) == [("duplicate", 2)]
    assert await yard.stored(meter) == {time: {"total_power": 5200.0, "total_energy": 1500.0}}
    assert await yard.statuses(meter) == {time: '{"revision":2,"seq":2}'}


async def test_what_is_no_number_replaces_too(yard: Yard) -> None:
    """A row whose numbers are the same is written all the same."""
    meter = await yard.meter()
    time = yard.now - MINUTE
    assert await yard.take(reading(meter, time, total_power=1.0, breaker_state="closed", extra={"gas": 1.0})) == [STORED]
    assert await yard.take(reading(meter, time, total_power=1.0, breaker_state="open")) == [("replaced", 2)]
    assert await yard.take(reading(meter, time, total_power=1.0, extra={"rpm": 9.0})) == [("replaced", 3)]
    assert await yard.take(reading(meter, time, total_power=1.0, extra={"gas": 1.0, "rpm": 9.0})) == [("duplicate", 3)]
    (status,) = (await yard.statuses(meter)).values()
    assert json.loads(status) == {"revision": 3, "breaker_state": "open", "extra": {"gas": 1.0, "rpm": 9.0}}
    await yard.restart()
    assert await yard.take(reading(meter, time, total_power=1.0, breaker_state="open")) == [("duplicate", 3)]


async def test_quality_is_of_what_was_sent_with_it(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - MINUTE
    assert await yard.take(reading(meter, time, total_power=1.0, quality="bad")) == [STORED]
    assert await yard.take(reading(meter, time, total_energy=2.0)) == [("replaced", 2)]
    row = yard.published()[-1]
    assert row.quality[0] == 2
    assert event_of(row, yard.meters.get("default", meter))["quality"] == "bad"
    assert await yard.take(reading(meter, time, total_power=1.0)) == [("replaced", 3)]
    assert await yard.take(reading(meter, time, total_power=1.0)) == [("duplicate", 3)]


@pytest.mark.parametrize("crash", [False, True])
async def test_outcomes_are_the_same_after_a_restart(yard: Yard, crash: bool) -> None:
    meter = await yard.meter()
    old, new = yard.now - 10 * DAY, yard.now - MINUTE
    assert await yard.take(reading(meter, old, total_power=1.0, quality="uncertain", extra={"a": 1.0})) == [STORED]
    assert await yard.take(reading(meter, new, total_power=2.0, breaker_state="open")) == [STORED]
    assert await yard.take(reading(meter, new, total_power=3.0)) == [("replaced", 2)]
    await yard.restart(crash=crash)
    assert await yard.take(
        reading(meter, old, total_power=1.0, quality="uncertain", extra={"a": 1.0}),
        reading(meter, new, total_power=3.0, breaker_state="open"),
        reading(meter, new, total_power=4.0),
        reading(meter, new - HOUR, total_power=5.0),
    ) == [("duplicate", 1), ("duplicate", 2), ("replaced", 3), STORED]


async def test_one_of_identical_readings_at_once_is_stored(yard: Yard) -> None:
    meter = await yard.meter()
    for time in (yard.now - MINUTE, yard.now - HOUR):
        sent = [yard.take(reading(meter, time, total_power=1.0)) for _ in range(20)]
        outcomes = [outcome for (outcome,) in await asyncio.gather(*sent)]
        assert sorted(outcomes) == [DUPLICATE] * 19 + [STORED]
    assert len(yard.published()) == 2


async def test_revisions_count_on_under_concurrency(yard: Yard) -> None:
    meters = [await yard.meter() for _ in range(3)]
    time = yard.now - MINUTE
    sent = [
        yard.take(*(reading(meter, time, total_power=float(n)) for meter in order))
        for n, order in enumerate([meters, meters[::-1]] * 10)
    ]
    outcomes = await asyncio.gather(*sent)
    for which in meters:
        revisions = [outcome[order.index(which)] for outcome, order in zip(outcomes, [meters, meters[::-1]] * 10, strict=True)]
        assert sorted(revision for _, revision in revisions) == list(range(1, 21))
    assert len(yard.published()) == 60


async def test_a_caller_that_goes_away_leaves_a_whole_decision(yard: Yard) -> None:
    meter = await yard.meter()
    for time in (yard.now - MINUTE, yard.now - HOUR):
        gone = asyncio.create_task(yard.take(reading(meter, time, total_power=1.0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()
        assert await yard.take(reading(meter, time, total_power=1.0)) == [DUPLICATE]
        with pytest.raises(asyncio.CancelledError):
            await gone


async def test_a_reading_refused_for_want_of_room_may_come_again(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - MINUTE
    ingest = yard.spine.pipeline.ingest
    ingest._most_bytes = 0
    with pytest.raises(QueueFull):
        await yard.take(reading(meter, time, total_power=1.0))
    ingest._most_bytes = 1 << 30
    assert await yard.take(reading(meter, time, total_power=1.0)) == [STORED]
    assert await yard.take(reading(meter, time, total_power=1.0)) == [DUPLICATE]


async def test_readings_of_one_body_are_taken_in_their_order(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - HOUR
    again = [reading(meter, time + n * SECOND, total_power=float(n)) for n in (5, 3, 4, 3, 5)]
    assert await yard.take(*again, reading(meter, time + 3 * SECOND, total_power=9.0)) == [
        STORED,
        STORED,
        STORED,
        DUPLICATE,
        DUPLICATE,
        ("replaced", 2),
    ]
    assert [line["total_power"] for _, line in sorted((await yard.stored(meter)).items())] == [9.0, 4.0, 5.0]


async def test_many_readings_sent_again_are_looked_up_together(yard: Yard) -> None:
    meters = [await yard.meter() for _ in range(3)]
    time = yard.now - HOUR
    sent = [reading(meter, time + n * SECOND, total_power=float(n), seq=n) for n in range(700) for meter in meters]
    assert set(await yard.take(*sent)) == {STORED}
    await yard.restart()
    asked = []
    engine = yard.spine.pipeline.engine
    query = engine.query

    async def counted(*given: object, **more: object) -> object:
        asked.append(given)
        return await query(*given, **more)

    engine.query = counted
    assert set(await yard.take(*sent)) == {DUPLICATE}
    assert len(asked) <= 4


async def test_readings_of_many_meters_at_once_are_looked_up_together(yard: Yard) -> None:
    meters = [await yard.meter() for _ in range(30)]
    await asyncio.gather(*(yard.take(reading(meter, yard.now, total_power=1.0)) for meter in meters))
    asked = []
    engine = yard.spine.pipeline.engine
    query = engine.query

    async def counted(*given: object, **more: object) -> object:
        asked.append(given)
        return await query(*given, **more)

    engine.query = counted
    late = [(meter, yard.now - (n + 1) * MINUTE) for n, meter in enumerate(meters)]
    # One is from long ago: it is looked up by itself.
    late[7] = meters[7], yard.now - 300 * DAY
    outcomes = await asyncio.gather(*(yard.take(reading(*place, total_power=2.0)) for place in late))
    assert outcomes == [[STORED]] * 30
    again = await asyncio.gather(*(yard.take(reading(*place, total_power=2.0 + n % 2)) for n, place in enumerate(late)))
    assert again == [[("replaced", 2)] if n % 2 else [DUPLICATE] for n in range(30)]
    # Twice a group of all, or of the first and of all others.
    assert len(asked) <= 12
    for meter, time in late:
        assert (await yard.stored(meter)).keys() == {time, yard.now}


async def test_all_or_none(yard: Yard) -> None:
    meter = await yard.meter()
    time = yard.now - MINUTE
    good, bad = reading(meter, time, total_power=1.0), reading(meter, yard.now + HOUR, total_power=1.0)
    with pytest.raises(NotTaken) as refused:
        await yard.take(good, bad, good, atomic=True)
    assert {index: [fault.code for fault in faults] for index, faults in refused.value.rejected.items()} == {1: ["future"]}
    assert await yard.stored(meter) == {}
    assert await yard.take(good, bad, good) == [STORED, ["future"], DUPLICATE]


async def test_without_a_time_a_reading_is_of_now_and_no_two_are_of_the_same(yard: Yard) -> None:
    meter = await yard.meter()
    for _ in range(3):
        assert await yard.take(reading(meter, total_power=1.0)) == [STORED]
    assert sorted(await yard.stored(meter)) == [yard.now, yard.now + 1, yard.now + 2]
    other = await yard.meter()
    assert await yard.take(
        reading(meter, total_power=1.0), reading(other, total_power=1.0), reading(meter, total_power=1.0)
    ) == [STORED, STORED, ["required"]]


async def test_now_behind_a_reading_from_ahead_is_still_now(yard: Yard) -> None:
    meter = await yard.meter()
    ahead = yard.now + 4 * MINUTE
    assert await yard.take(reading(meter, ahead, total_power=1.0)) == [STORED]
    assert await yard.take(reading(meter, total_power=2.0)) == [STORED]
    assert await yard.take(reading(meter, total_power=3.0)) == [STORED]
    assert [line["total_power"] for _, line in sorted((await yard.stored(meter)).items())] == [2.0, 3.0, 1.0]


@pytest.mark.parametrize(
    ("ago", "outcome"),
    [
        (450 * DAY, STORED),
        (450 * DAY + 1, ["too_old"]),
        (-5 * MINUTE, STORED),
        (-5 * MINUTE - 1, ["future"]),
    ],
)
async def test_how_old_and_how_new_a_reading_may_be(yard: Yard, ago: int, outcome: object) -> None:
    meter = await yard.meter()
    assert await yard.take(reading(meter, yard.now - ago, total_power=1.0)) == [outcome]


async def test_what_is_stored_is_primary_and_in_si_units(yard: Yard) -> None:
    meter = await yard.meter(energy_unit="Wh", ct_ratio=100, vt_ratio=10, secondary_readings=True)
    time = yard.now - MINUTE
    sent = reading(meter, time, total_power=1.0, total_energy=1500.0, voltage_a=23.0, current_a=5.0, frequency=50.0)
    assert await yard.take(sent) == [STORED]
    assert await yard.take(sent) == [DUPLICATE]
    assert await yard.stored(meter) == {
        time: {"total_power": 1000.0, "total_energy": 1500.0, "voltage_a": 230.0, "current_a": 500.0, "frequency": 50.0}
    }
    assert await yard.take(reading(meter, time + 1, total_power=1e9, voltage_a=1e6)) == [["out_of_range"] * 2]


async def test_whose_meters_a_sender_writes_for(yard: Yard) -> None:
    mine, other = await yard.meter(), await yard.meter(site="north")
    virtual = await yard.meter(kind="virtual", formula=[{"meter_id": mine, "sign": 1}])

    async def codes(sender: Sender, number: int | None) -> object:
        (result,) = await yard.readings.take(sender, [reading(number, yard.now - MINUTE, total_power=1.0)])
        return result.status if isinstance(result, Outcome) else [fault.code for fault in result]

    device = Sender("default", frozenset((mine,)))
    assert await codes(device, None) == "stored"
    assert await codes(device, mine) == "duplicate"
    assert await codes(device, other) == ["not_allowed"]
    assert await codes(device, 10**6) == ["not_allowed"]
    assert await codes(Sender("default", frozenset((mine, other))), None) == ["required"]
    assert await codes(SENDER, None) == ["required"]
    assert await codes(SENDER, 10**6) == ["unknown_meter"]
    assert await codes(SENDER, virtual) == ["computed"]
    assert await codes(Sender("stranger"), mine) == ["unknown_meter"]
    assert await codes(Sender("default", None, frozenset(("north",))), mine) == ["unknown_meter"]
    assert await codes(Sender("default", None, frozenset(("north",))), other) == "stored"


async def test_while_the_store_is_away_new_readings_are_taken_and_others_wait(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = await yard.meter()
    old, time = yard.now - HOUR, yard.now - MINUTE
    assert await yard.take(reading(meter, time, total_power=1.0)) == [STORED]
    engine = yard.spine.pipeline.engine

    async def away(*_given: object, **_more: object) -> None:
        raise Unavailable("the telemetry store is away")

    with monkeypatch.context() as patched:
        patched.setattr(engine, "query", away)
        patched.setattr(engine, "insert", away)
        assert await yard.take(reading(meter, time + 1, total_power=2.0)) == [STORED]
        assert await yard.take(reading(meter, time + 1, total_power=2.0)) == [DUPLICATE]
        with pytest.raises(Unavailable):
            await yard.take(reading(meter, time + 2, total_power=3.0), reading(meter, old, total_power=3.0))
    assert sorted(await yard.stored(meter)) == [time, time + 1]
    assert await yard.take(reading(meter, time + 2, total_power=3.0), reading(meter, old, total_power=3.0)) == [STORED] * 2
    assert sorted(await yard.stored(meter)) == [old, time, time + 1, time + 2]
