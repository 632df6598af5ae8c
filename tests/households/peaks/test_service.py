"""Peaks on real stores: windows in order and once, whoever looks, whatever crashes; nobody sees another household's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.synthetic_day import Day, Device, readings
from tests.households.peaks.plant import Street, street
from wattline.households.meters.model import Kind
from wattline.households.meters.service import Meters
from wattline.households.peaks import rounds, service, store
from wattline.households.peaks.former import former
from wattline.households.peaks.model import WINDOW, Peak
from wattline.households.peaks.service import Peaks
from wattline.households.peaks.store import Home
from wattline.households.tables import assignments, peak_devices, peaks, progress, suggestions
from wattline.households.tables import meters as meters_table
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.errors import NotFound

MAC, OTHER = "AA:BB:CC:DD:EE:01", "AA:BB:CC:DD:EE:02"
NIGHT = 3 * HOUR


@pytest.fixture
async def town(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Street]:
    async with street(tmp_path, clock) as made:
        yield made


@pytest.fixture
def today(clock: ManualClock) -> int:
    """The begin of the day (UTC); it is 14:32."""
    return clock.micros() // DAY * DAY


def day(devices: Sequence[Device], cadence: float, start: int, hours: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    choice = np.random.default_rng(seed)
    return readings(Day(devices, seconds=hours * 3600).watts(choice), start, cadence, offset=float(choice.uniform(0, cadence)))


def stands(found: Sequence[Peak], today: int, *begins: float) -> None:
    """That these are peaks of 2 kW for five minutes, begun at these seconds of the day."""
    assert [(each.start - today) / SECOND for each in found] == [pytest.approx(begin, abs=4) for begin in begins]
    for each in found:
        assert (each.end - each.start) / SECOND == pytest.approx(300, abs=8)
        assert each.power_w == pytest.approx(2000, rel=0.05)
        assert each.energy_kwh == pytest.approx(2 * 5 / 60, rel=0.05)
        assert 130 < each.base_w < 260


DEVICES = (Device(5000, 300, 2000), Device(16_050, 300, 2000), Device(30_000, 300, 2000))
"""The second one runs over the end of a half hour."""
BEGINS = tuple(device.start for device in DEVICES)


@pytest.mark.parametrize("cadence", [15, 21])
async def test_the_first_look_catches_up_with_the_past(town: Street, today: int, cadence: int) -> None:
    stream = await town.move_in("u", MAC)
    await town.send(stream, *day(DEVICES, cadence, today, 14.5))
    found = await town.peaks().process("t", MAC)
    stands(found, today, *BEGINS)
    assert await town.peaks().found("t", "u", today, today + DAY) == found
    assert sorted(peak.id for peak, _, _ in town.told) == sorted(each.id for each in found)
    for peak, times, watts in town.told:
        # The samples that it is made of.
        assert peak.start < times[0] <= peak.start + cadence * SECOND
        assert np.median(watts) == pytest.approx(2000, rel=0.05)


async def test_any_way_to_cut_the_past_into_looks_finds_the_same(town: Street, today: int) -> None:
    choice = np.random.default_rng(5)
    # Over midnight, over the end of a half hour, for hours, and too short.
    devices = (
        *DEVICES,
        Device(10_800 - 130, 300, 1900),
        Device(18_000 - 61, 122, 1500),
        Device(21_600 - 400, 3 * 3600, 3000),
        Device(37_700, 100, 1800),
    )
    pulses = tuple(Device(39_600 - 600 + 150 * n, 60, 1200) for n in range(10))
    times, totals = day((*devices, *pulses), 15, today - 3 * HOUR, 17)
    end = today + 14 * HOUR

    async def found_by(user: str, slots: Sequence[int], batch: bool) -> list[tuple[int, int, float]]:
        mac = f"AA:BB:CC:DD:EE:{len(town.meters.known):02X}"
        stream = await town.move_in(user, mac)
        sent = 0
        for slot in slots:
            upto = int(np.searchsorted(times, slot))
            await town.send(stream, times[sent:upto], totals[sent:upto])
            sent = upto
            town.at(slot + 3 * SECOND)
            await (town.peaks().process_all(slot) if batch else town.peaks().process("t", mac))
        found = await town.peaks().found("t", user, 0, 2**53)
        return [(each.start, each.end, each.power_w) for each in found]

    every = range(today - 2 * HOUR, end + 1, WINDOW)
    once = await found_by("once", [end], batch=False)
    # The ten make one, and what runs beside a longer one goes up in it.
    assert len(once) == 6
    assert await found_by("every", every, batch=True) == once
    for trial in range(2):
        some = sorted({int(slot) for slot in choice.choice(every, 5)} | {end})
        assert await found_by(f"some{trial}", some, batch=trial == 0) == once


async def test_a_peak_that_still_runs_is_stored_and_grows(town: Street, today: int) -> None:
    times, totals = day([Device(12 * 3600 - 250, 600, 2000)], 15, today, 13)
    stream = await town.move_in("u", MAC)
    noon = today + 12 * HOUR
    early = int(np.searchsorted(times, noon))
    await town.send(stream, times[:early], totals[:early])
    town.at(noon)
    (so_far,) = await town.peaks().process("t", MAC)
    assert noon - 15 * SECOND <= so_far.end <= noon
    assert so_far.power_w == pytest.approx(2000, rel=0.05)
    await town.send(stream, times[early:], totals[early:])
    town.at(noon + WINDOW)
    (grown,) = await town.peaks().process("t", MAC)
    assert grown.id == so_far.id
    assert (grown.end - noon) / SECOND == pytest.approx(350, abs=4)
    assert [peak.id for peak, _, _ in town.told] == [so_far.id] * 2
    town.at(noon + 2 * WINDOW)
    assert await town.peaks().process("t", MAC) == []
    assert len(town.told) == 2


async def test_asking_again_answers_the_same_and_does_nothing(town: Street, today: int) -> None:
    stream = await town.move_in("u", MAC)
    await town.send(stream, *day(DEVICES, 15, today, 14.5))
    await town.peaks().process_all(today + 14 * HOUR + WINDOW)
    rows = await everything(town)
    town.at(today + 14 * HOUR + 35 * MINUTE)
    again = await town.peaks().process("t", MAC)
    stands(again, today, *BEGINS)
    assert await everything(town) == rows
    assert len(town.told) == 3
    town.at(today + 15 * HOUR)
    assert await town.peaks().process("t", MAC) == []


async def everything(town: Street) -> list[object]:
    async with town.spine.database.read() as connection:
        return [
            row
            for table in (peaks, progress)
            for row in await connection.execute(sa.select(table).order_by(*table.primary_key.columns))
        ]


async def test_a_household_has_the_peaks_of_its_own_meter_alone(town: Street, today: int) -> None:
    mine, theirs = await town.move_in("u", MAC), await town.move_in("v", OTHER)
    foreign = await town.move_in("u", MAC, tenant="elsewhere")
    await town.send(mine, *day(DEVICES[:1], 15, today, 14.5, 2))
    await town.send(theirs, *day(DEVICES[1:2], 15, today, 14.5, 3))
    await town.send(foreign, *day(DEVICES[2:], 15, today, 14.5, 4))
    found = town.peaks()
    await found.process_all(today + 14 * HOUR + WINDOW)
    stands(await found.found("t", "u", 0, 2**53), today, BEGINS[0])
    stands(await found.found("t", "v", 0, 2**53), today, BEGINS[1])
    stands(await found.found("elsewhere", "u", 0, 2**53), today, BEGINS[2])
    for peak, _, watts in town.told:
        assert np.median(watts) == pytest.approx(2000, rel=0.05), peak.user
    (own,) = await found.found("t", "u", 0, 2**53)
    assert await found.peak("t", "u", own.id) == own
    for tenant, user in (("t", "v"), ("elsewhere", "u")):
        with pytest.raises(NotFound):
            await found.peak(tenant, user, own.id)
        with pytest.raises(NotFound):
            await found.remove(tenant, user, own.id)
    assert await found.found("t", "u", own.start - HOUR, own.start) == []
    assert await found.found("t", "u", own.end, own.end + HOUR) == []
    assert await found.found("t", "u", own.start + 1, own.start + 2) == [own]


async def test_only_electricity_has_peaks_and_only_where_somebody_lives(town: Street, today: int) -> None:
    for number, kind in enumerate((Kind.GAS, Kind.WATER, Kind.ANALOG_ELECTRICITY)):
        stream = await town.move_in(f"u{number}", f"AA:BB:CC:DD:EE:0{number}", kind)
        await town.send(stream, *day(DEVICES, 15, today, 14.5))
    counts = [len(await town.peaks().process("t", f"AA:BB:CC:DD:EE:0{number}")) for number in range(3)]
    assert counts == [0, 0, 3]
    with pytest.raises(NotFound):
        await town.peaks().process("t", "AA:BB:CC:DD:EE:77")
    with pytest.raises(NotFound):
        await town.peaks().process("elsewhere", "AA:BB:CC:DD:EE:02")


async def test_a_meter_without_readings_is_looked_at_when_it_has_some(town: Street, today: int) -> None:
    stream = await town.move_in("u", MAC)
    assert await town.peaks().process("t", MAC) == []
    await town.send(stream, *day(DEVICES, 15, today, 14.5))
    stands(await town.peaks().process("t", MAC), today, *BEGINS)


async def test_readings_that_were_held_back_are_looked_at_when_they_come(town: Street, today: int) -> None:
    """A meter that could not send for hours sends all of it, in order, while windows close."""
    stream = await town.move_in("u", MAC)
    times, totals = day(DEVICES, 15, today, 14.5)
    keep = town.peaks()
    parts = np.searchsorted(times, [today + 4 * HOUR, today + 4 * HOUR + 31 * MINUTE, today + 9 * HOUR, today + 15 * HOUR])
    sent = 0
    for number, part in enumerate(parts.tolist()):
        await town.send(stream, times[sent:part], totals[sent:part])
        sent = part
        town.at(today + 14 * HOUR + (number + 1) * WINDOW)
        await keep.process_all(today + 14 * HOUR + (number + 1) * WINDOW)
        await keep.process_all(today + 14 * HOUR + (number + 1) * WINDOW)
    stands(await keep.found("t", "u", 0, 2**53), today, *BEGINS)


async def test_a_meter_that_fell_silent_is_not_read_again_and_again(
    town: Street, today: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await town.move_in("u", MAC)
    times, totals = day(DEVICES, 15, today, 14.5)
    quiet = int(np.searchsorted(times, today + 5 * HOUR + 7 * MINUTE))
    await town.send(stream, times[:quiet], totals[:quiet])
    keep = town.peaks()
    await keep.process_all(today + 14 * HOUR)
    looks: list[int] = []
    really = rounds.look

    async def counted(*args: object, **options: object) -> object:
        looks.append(1)
        return await really(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(rounds, "look", counted)
    await keep.process_all(today + 14 * HOUR + WINDOW)
    assert looks == []
    await town.send(stream, times[quiet:], totals[quiet:])
    await keep.process_all(today + 14 * HOUR + WINDOW)
    assert looks
    stands(await keep.found("t", "u", 0, 2**53), today, *BEGINS)


async def test_a_crash_before_the_commit_leaves_nothing_and_after_it_everything(
    town: Street, today: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await town.move_in("u", MAC)
    await town.send(stream, *day(DEVICES, 15, today, 14.5))
    slot = today + 14 * HOUR + WINDOW
    really = store.keep

    async def dies(*args: object) -> object:
        await really(*args)  # type: ignore[arg-type]
        raise Killed

    monkeypatch.setattr(store, "keep", dies)
    with pytest.raises(Killed):
        await town.peaks().process_all(slot)
    monkeypatch.setattr(store, "keep", really)
    assert await everything(town) == []
    await town.peaks().process_all(slot)
    stands(await town.peaks().found("t", "u", 0, 2**53), today, *BEGINS)

    await town.spine.crash()
    await town.spine.open()
    town.meters = type(town.meters)()
    await town.move_in("u", MAC)
    before = await everything(town)
    await town.peaks().process_all(slot)
    assert await everything(town) == before
    stands(await town.peaks().process("t", MAC), today, *BEGINS)


async def test_two_processes_at_once_find_each_peak_once(town: Street, today: int) -> None:
    stream = await town.move_in("u", MAC)
    await town.send(stream, *day(DEVICES, 15, today, 14.5))
    slot = today + 14 * HOUR + WINDOW
    await asyncio.gather(*(town.peaks().process_all(slot) for _ in range(3)))
    stands(await town.peaks().found("t", "u", 0, 2**53), today, *BEGINS)
    assert len(town.told) == 3


async def test_one_meter_that_fails_stops_no_other_and_is_looked_at_again(
    town: Street, today: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slot, told = today + 14 * HOUR, "the Webers were on holiday"
    for number in range(3):
        stream = await town.move_in(f"u{number}", f"AA:BB:CC:DD:EE:0{number}")
        await town.send(stream, *day(DEVICES, 15, today, 14.5, number))
    keep = town.peaks()
    really = rounds.look

    async def breaks(series: object, watched: Sequence[object], *args: object, **options: object) -> object:
        if any(each.home.user == "u1" for each in watched):  # type: ignore[attr-defined]
            raise ValueError(told)
        return await really(series, watched, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(rounds, "look", breaks)
    with caplog.at_level(logging.ERROR):
        await keep.process_all(slot)
    counts = [len(await keep.found("t", f"u{number}", 0, 2**53)) for number in range(3)]
    assert counts == [3, 0, 3]
    assert "were not found" in caplog.text
    assert "AA:BB" not in caplog.text
    assert told not in caplog.text
    monkeypatch.setattr(rounds, "look", really)
    await keep.process_all(slot)
    stands(await keep.found("t", "u1", 0, 2**53), today, *BEGINS)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("error", [RuntimeError("the model is gone"), Killed()])
async def test_a_peak_that_was_stored_and_not_told_of_is_told_of_later(
    town: Street, today: int, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    really = town.suggest

    async def fails(_profiles: object) -> None:
        raise error

    monkeypatch.setattr(town, "suggest", fails)
    stream = await town.move_in("u", MAC)
    await town.send(stream, *day(DEVICES, 15, today, 14.5))
    with contextlib.suppress(Killed):
        await town.peaks().process("t", MAC)
    found = await town.peaks().found("t", "u", 0, 2**53)
    stands(found, today, *BEGINS)
    monkeypatch.setattr(town, "suggest", really)
    await town.peaks().process_all(today + 14 * HOUR + WINDOW)
    later = {peak.id: (times, watts) for peak, times, watts in town.told}
    assert sorted(later) == sorted(each.id for each in found)
    await town.peaks().process_all(today + 14 * HOUR + WINDOW)
    assert len(town.told) == 3
    # What is told of later is what would have been told of at once.
    town.told.clear()
    other = await town.move_in("v", OTHER)
    await town.send(other, *day(DEVICES, 15, today, 14.5))
    await town.peaks().process("t", OTHER)
    at_once = {peak.start: (times, watts) for peak, times, watts in town.told}
    for each in found:
        assert later[each.id][0].tolist() == at_once[each.start][0].tolist()
        assert later[each.id][1] == pytest.approx(at_once[each.start][1], abs=0.01)


async def test_a_peak_and_what_follows_from_it_go_together_or_not_at_all(town: Street, today: int) -> None:
    stream = await town.move_in("u", MAC)
    await town.send(stream, *day(DEVICES[:1], 15, today, 14.5))
    (found,) = await town.peaks().process("t", MAC)

    @contextlib.asynccontextmanager
    async def fails(tenant: str, user: str) -> AsyncIterator[AsyncConnection]:
        assert (tenant, user) == ("t", "u")
        async with town.spine.database.transaction() as connection:
            yield connection
            raise Killed

    s = town.spine
    meters = cast("Meters", town.meters)
    broken = Peaks(s.database, meters, s.pipeline.series, s.clock, town.suggest, within=fails)
    with pytest.raises(Killed):
        await broken.remove("t", "u", found.id)
    assert await town.peaks().found("t", "u", 0, 2**53) == [found]


@pytest.mark.parametrize("kept", [True, False])
async def test_what_a_meter_read_before_it_was_taken_away_is_looked_at(town: Street, today: int, kept: bool) -> None:
    """Its last window never ends with a reading; the meter reads another household since, or is gone."""
    times, totals = day([Device(12 * 3600 + 120, 400, 2000)], 15, today, 12.2)
    stream = await town.move_in("u", MAC)
    until = today + 12 * HOUR + 12 * MINUTE
    await town.send(stream, times[times < today + 12 * HOUR], totals[times < today + 12 * HOUR])
    await town.peaks().process_all(today + 12 * HOUR)
    await town.send(stream, times[times >= today + 12 * HOUR], totals[times >= today + 12 * HOUR])
    async with town.spine.database.transaction() as connection:
        given = {"mac": MAC, "since": today - DAY, "tenant": "t", "user": "u", "until": until}
        await connection.execute(sa.insert(assignments).values(**given))
        if kept:
            row = {"mac": MAC, "tenant": "t", "kind": 1, "user": "v", "needs_script": False, "limit_kwh_minute": 1.0}
            await connection.execute(sa.insert(meters_table).values(**row, created=0, version=1))
    town.meters.known.clear()
    if kept:
        await town.move_in("v", MAC)
    town.at(today + 13 * HOUR)
    await town.peaks().process_all(today + 12 * HOUR)
    assert await town.peaks().found("t", "u", 0, 2**53) == []
    await town.peaks().process_all(today + 12 * HOUR + WINDOW)
    (found,) = await town.peaks().found("t", "u", 0, 2**53)
    assert (found.start - today) / SECOND == pytest.approx(12 * 3600 + 120, abs=8)
    assert (found.end - found.start) / SECOND == pytest.approx(400, abs=8)
    assert await town.peaks().found("t", "v", 0, 2**53) == []
    # That was all there was to look at.
    async with town.spine.database.read() as connection:
        assert await former(connection, None, 0) == {}


async def test_a_household_that_never_sent_a_reading_is_done_with(town: Street, today: int) -> None:
    await town.move_in("u", MAC)
    town.meters.known.clear()
    async with town.spine.database.transaction() as connection:
        given = {"mac": MAC, "since": today, "tenant": "t", "user": "u", "until": today + HOUR}
        await connection.execute(sa.insert(assignments).values(**given))
        row = {"mac": MAC, "tenant": "t", "kind": 1, "needs_script": False, "limit_kwh_minute": 1.0}
        await connection.execute(sa.insert(meters_table).values(**row, created=0, version=1))
    async with town.spine.database.read() as connection:
        assert list(await former(connection, "t", today - DAY)) == [Home("t", "u", MAC)]
        assert await former(connection, "elsewhere", today - DAY) == {}
        assert await former(connection, "t", today + HOUR) == {}
    await town.peaks().process_all(today + 2 * HOUR)
    assert await town.peaks().found("t", "u", 0, 2**53) == []
    async with town.spine.database.read() as connection:
        assert await former(connection, "t", today - DAY) == {}


async def test_a_removed_peak_takes_its_appliances_along_and_is_not_found_again(town: Street, today: int) -> None:
    times, totals = day([Device(12 * 3600 - 420, 400, 2000), Device(9 * 3600, 300, 2000)], 15, today, 13)
    stream = await town.move_in("u", MAC)
    noon = today + 12 * HOUR
    early = int(np.searchsorted(times, noon))
    await town.send(stream, times[:early], totals[:early])
    town.at(noon)
    kept, removed = await town.peaks().process("t", MAC)
    async with town.spine.database.transaction() as connection:
        for each in (kept, removed):
            await connection.execute(sa.insert(peak_devices).values(tenant="t", peak=each.id, device=1))
            row = {"tenant": "t", "peak": each.id, "category": "oven", "confidence": 0.9}
            await connection.execute(sa.insert(suggestions).values(**row))
    await town.peaks().remove("t", "u", removed.id)
    with pytest.raises(NotFound):
        await town.peaks().remove("t", "u", removed.id)
    await town.send(stream, times[early:], totals[early:])
    town.at(noon + WINDOW)
    await town.peaks().process("t", MAC)
    assert await town.peaks().found("t", "u", 0, 2**53) == [kept]
    async with town.spine.database.read() as connection:
        for table in (peak_devices, suggestions):
            assert [row.peak for row in await connection.execute(sa.select(table))] == [kept.id]


async def test_a_single_look_takes_many_meters(town: Street, today: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 3)
    begins = [4000 + 2000 * number for number in range(7)]
    for number, begin in enumerate(begins):
        stream = await town.move_in(f"u{number}", f"AA:BB:CC:DD:EE:0{number}")
        await town.send(stream, *day([Device(begin, 300, 2000)], (15, 21, 60)[number % 3], today, 7, number))
    keep = town.peaks()
    for slot in range(today + HOUR, today + 6 * HOUR + 1, WINDOW):
        await keep.process_all(slot)
    for number, begin in enumerate(begins):
        (found,) = await keep.found("t", f"u{number}", 0, 2**53)
        assert (found.start - today) / SECOND == pytest.approx(begin, abs=8)
        assert found.power_w == pytest.approx(2000, rel=0.05)
