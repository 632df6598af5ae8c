"""Readings that come late: whatever the order in which they come, and whenever anybody looks, the same peaks are found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from bench.synthetic_day import Day, Device, readings
from tests.households.meters.home import TENANT, meters_of
from tests.households.peaks.plant import Street, street
from tests.stores import spine
from wattline.households.meters.model import Kind, Measurement
from wattline.households.peaks import late
from wattline.households.peaks.late import LATE, SETTLES, Lateness, Note, notes
from wattline.households.peaks.model import WINDOW, Peak
from wattline.households.peaks.service import Peaks
from wattline.households.peaks.store import Home
from wattline.households.tables import peak_devices, peaks, progress
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, from_micros
from wattline.model.errors import NotFound
from wattline.registry.stream import Stream
from wattline.state.database import Database

MAC = "AA:BB:CC:DD:EE:01"
HOME = Home("t", "u", MAC)
EVER = 2**53
Figures = list[tuple[int, int, float, float, float]]


@pytest.fixture
async def town(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Street]:
    async with street(tmp_path, clock) as made:
        yield made


@pytest.fixture
def today(clock: ManualClock) -> int:
    return clock.micros() // DAY * DAY


class Door:
    """By which the readings of a home come in, as by its meters' intake."""

    def __init__(self, town: Street, peaks: Peaks, stream: Stream) -> None:
        self.town = town
        self.peaks = peaks
        self.stream = stream
        self.meter = next(each for each in town.meters.known if each.user == stream.device.site.key)

    async def send(self, now: int, times: NDArray[np.int64], totals: NDArray[np.float64]) -> None:
        self.town.at(now)
        newest = self.stream.latest.time if self.stream.latest is not None else 0
        for time in times.tolist():
            if time <= newest or now - time > 30 * MINUTE:
                await self.peaks.late(self.meter, self.stream, time)
            newest = max(newest, time)
        await self.town.send(self.stream, times, totals)


def figures(found: list[Peak]) -> Figures:
    return [(each.start, each.end, each.power_w, each.base_w, each.energy_kwh) for each in found]


async def everything(town: Street, user: str) -> Figures:
    return figures(await town.peaks().found("t", user, 0, EVER))


def busy_day(choice: np.random.Generator, start: int, hours: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    begins = choice.uniform(0, hours * 3600 - 300, round(2 * hours))
    devices = [Device(begin, choice.uniform(60, 2400), choice.uniform(250, 3000)) for begin in begins]
    cadence = float(choice.choice([30, 60, 75]))
    return readings(Day(devices, seconds=hours * 3600).watts(choice), start, cadence, offset=float(choice.uniform(0, 15)))


async def some_history(town: Street, today: int, trial: int) -> int:
    """Readings arrive in some order, with passes in between; the peaks are those of one look at the end. How many there are."""
    choice = np.random.default_rng(trial)
    hours = float(choice.uniform(5, 16))
    start = today - round(hours * HOUR)
    times, totals = busy_day(choice, start, hours)
    end = today + 6 * HOUR
    macs = f"{MAC[:-5]}{trial:02d}:01", f"{MAC[:-5]}{trial:02d}:02"
    plain = Door(town, town.peaks(), await town.move_in(f"in-order-{trial}", macs[0]))
    mixed = Door(town, town.peaks(), await town.move_in(f"mixed-{trial}", macs[1]))
    other = town.peaks()

    # Parts of any length arrive as time goes by, or at once, soon or hours later, each of them in any order.
    cuts = np.unique(np.concatenate(([0, len(times)], choice.integers(0, len(times), choice.integers(3, 10)))))
    events: list[tuple[int, int, NDArray[np.int64]]] = []
    for number, (first, last) in enumerate(pairwise(cuts.tolist())):
        order = np.arange(first, last)
        if choice.random() < 0.4:
            events += [(int(times[piece.max()]) + SECOND, number, piece) for piece in np.array_split(order, 6) if len(piece)]
        else:
            delay = choice.choice([choice.uniform(0, 20 * MINUTE), choice.uniform(0, 5 * HOUR)])
            order = [order, order[::-1], choice.permutation(order)][int(choice.integers(3))]
            events.append((int(times[last - 1] + delay) + SECOND, number, order))
    slots = np.arange(start // WINDOW + 1, end // WINDOW) * WINDOW
    events += [(int(slot) + 2 * SECOND, -1, slots) for slot in slots[choice.random(len(slots)) < 0.5]]
    for now, number, order in sorted(events, key=lambda event: event[:2]):
        if number >= 0:
            await mixed.send(now, times[order], totals[order])
            continue
        town.at(now)
        looking = other if choice.random() < 0.5 else mixed.peaks
        await (looking.process("t", macs[1]) if choice.random() < 0.3 else looking.process_all(now))
    await plain.send(end, times, totals)
    town.at(end + 2 * SECOND)
    await mixed.peaks.process_all(end)
    wanted = await everything(town, f"in-order-{trial}")
    assert await everything(town, f"mixed-{trial}") == wanted
    # Each is told of as it is in the end.
    last_told = {peak.id: peak for peak, _, _ in town.told}
    stored = await other.found("t", f"mixed-{trial}", 0, EVER)
    assert [last_told[each.id] for each in stored] == stored
    return len(wanted)


async def test_any_order_of_arrival_and_any_passes_find_what_one_look_at_the_end_finds(town: Street, today: int) -> None:
    found = [await some_history(town, today, trial) for trial in range(4)]
    assert min(found) >= 3
    async with town.spine.database.read() as connection:
        assert (await connection.execute(sa.select(peaks.c.id).where(peaks.c.suggested.is_(None)))).all() == []


async def outage(town: Street, today: int) -> tuple[Door, NDArray[np.int64], NDArray[np.float64], slice]:
    """A home whose meter was not heard from two to seven o'clock, looked at until ten o'clock; the readings of that time."""
    devices = [Device(at * 3600.0, 600, 2000) for at in (1, 1.9, 3, 5, 8)]
    times, totals = readings(Day(devices, seconds=10 * 3600).watts(np.random.default_rng(3)), today, 30)
    door = Door(town, town.peaks(), await town.move_in("u", MAC))
    gone = slice(*np.searchsorted(times, [today + 2 * HOUR, today + 7 * HOUR]).tolist())
    await door.send(today + 7 * HOUR, times[: gone.start], totals[: gone.start])
    await door.send(today + 10 * HOUR - SECOND, times[gone.stop :], totals[gone.stop :])
    town.at(today + 10 * HOUR)
    await town.peaks().process_all(today + 10 * HOUR)
    return door, times, totals, gone


def hours(found: list[Peak], today: int) -> list[float]:
    return [round((each.start - today) / HOUR, 1) for each in found]


async def test_what_a_backlog_shows_is_found_and_what_was_found_stays_what_it_is(town: Street, today: int) -> None:
    door, times, totals, gone = await outage(town, today)
    before = await door.peaks.found("t", "u", 0, EVER)
    assert hours(before, today) == [1.0, 1.9, 8.0]
    # The second one was cut off by the outage.
    assert before[1].end <= today + 2 * HOUR
    async with town.spine.database.transaction() as connection:
        await connection.execute(sa.insert(peak_devices).values(tenant="t", peak=before[1].id, device=7))
    town.told.clear()
    backlog = np.arange(gone.start, gone.stop)[::-1]
    await door.send(today + 10 * HOUR + 5 * MINUTE, times[backlog], totals[backlog])
    town.at(today + 10 * HOUR + WINDOW)
    await town.peaks().process_all(today + 10 * HOUR + WINDOW)
    after = await door.peaks.found("t", "u", 0, EVER)
    assert hours(after, today) == [1.0, 1.9, 3.0, 5.0, 8.0]
    assert [after[0].id, after[1].id, after[4].id] == [each.id for each in before]
    assert (after[1].end - after[1].start) / SECOND == pytest.approx(600, abs=20)
    # What others know of it goes with it; only what changed is told of.
    assert {each.id for each, _, _ in town.told} >= {after[1].id, after[2].id, after[3].id}
    assert after[0].id not in {each.id for each, _, _ in town.told}
    async with town.spine.database.read() as connection:
        (row,) = await connection.execute(sa.select(peak_devices))
    assert (row.peak, row.device) == (before[1].id, 7)


async def test_what_is_no_peak_any_more_goes_unless_somebody_said_what_it_was(town: Street, today: int) -> None:
    """Two things stand out of two quiet hours; they do not beside the hours before, in which as much was used all the time."""
    devices = [Device(0, 4 * 3600, 350), Device(4.6 * 3600, 600, 350), Device(5.6 * 3600, 600, 350)]
    day = Day(devices, fridge=0, seconds=6 * 3600)
    times, totals = readings(day.watts(np.random.default_rng(3)), today, 30)
    plain = Door(town, town.peaks(), await town.move_in("v", f"{MAC[:-2]}02"))
    door = Door(town, town.peaks(), await town.move_in("u", MAC))
    heard = int(np.searchsorted(times, today + 4 * HOUR))
    await door.send(today + 6 * HOUR, times[heard:], totals[heard:])
    await town.peaks().process_all(today + 6 * HOUR)
    said, unsaid = await door.peaks.found("t", "u", 0, EVER)
    async with town.spine.database.transaction() as connection:
        await connection.execute(sa.insert(peak_devices).values(tenant="t", peak=said.id, device=7))
    await door.send(today + 6 * HOUR, times[:heard], totals[:heard])
    await plain.send(today + 6 * HOUR, times, totals)
    await town.peaks().process_all(today + 6 * HOUR)
    assert await everything(town, "v") == []
    assert await door.peaks.found("t", "u", 0, EVER) == [said]
    with pytest.raises(NotFound):
        await door.peaks.peak("t", "u", unsaid.id)


async def test_a_removed_peak_is_not_found_again_when_its_window_is_looked_at_again(town: Street, today: int) -> None:
    door, times, totals, gone = await outage(town, today)
    first, cut, _ = await door.peaks.found("t", "u", 0, EVER)
    for each in (first, cut):
        await door.peaks.remove("t", "u", each.id)
    backlog = np.arange(gone.start, gone.stop)[::-1]
    await door.send(today + 10 * HOUR, times[backlog], totals[backlog])
    await town.peaks().process_all(today + 10 * HOUR)
    after = await door.peaks.found("t", "u", 0, EVER)
    # Of the one that the outage cut off, what is known now goes on after what was removed.
    assert hours(after, today) == [2.0, 3.0, 5.0, 8.0]
    assert after[0].start >= cut.end - 30 * SECOND


async def test_a_crash_loses_no_late_reading(town: Street, today: int) -> None:
    door, times, totals, gone = await outage(town, today)
    backlog = np.arange(gone.start, gone.stop)[::-1]
    await door.send(today + 10 * HOUR, times[backlog], totals[backlog])
    await town.spine.crash()
    await town.spine.open()
    town.meters = type(town.meters)()
    await town.move_in("u", MAC)
    # Rewound, and dead before it looked.
    keeper = town.peaks()
    async with town.spine.database.read() as connection:
        noted = await notes(connection)
    await keeper._rounds.rewind(keeper._current(town.meters.known), noted)
    await town.peaks().process_all(today + 10 * HOUR)
    assert hours(await town.peaks().found("t", "u", 0, EVER), today) == [1.0, 1.9, 3.0, 5.0, 8.0]


async def test_a_silent_meter_is_looked_at_again_once(town: Street, today: int, monkeypatch: pytest.MonkeyPatch) -> None:
    door, times, totals, gone = await outage(town, today)
    backlog = np.arange(gone.start, gone.stop)[::-1]
    now = today + 30 * HOUR
    town.at(now)
    keep = town.peaks()
    await keep.process_all(now)
    await door.send(now, times[backlog], totals[backlog])
    await keep.process_all(now)
    assert hours(await keep.found("t", "u", 0, EVER), today) == [1.0, 1.9, 3.0, 5.0, 8.0]
    # The note stays for a while: readings may rely on it.
    async with town.spine.database.read() as connection:
        assert list(await notes(connection)) == [HOME]
    town.at(now + SETTLES)
    await keep.process_all(now)
    async with town.spine.database.read() as connection:
        assert await notes(connection) == {}
    looks: list[int] = []
    monkeypatch.setattr(keep._rounds, "_keep", looks.append)
    await keep.process_all(now)
    assert looks == []


async def test_a_backlog_of_days_makes_few_notes(database: Database, clock: ManualClock) -> None:
    now = clock.micros()
    written = 0

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal written
        written += statement.startswith("INSERT")

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    lateness = Lateness(database, clock)
    for number in range(10_000):
        await lateness.note(HOME, now - HOUR - 15 * SECOND * number)
        clock.advance(0.01)
    # Two rows a note: 42 hours, and once a minute.
    assert 2 * 7 <= written <= 2 * 10
    async with database.read() as connection:
        (note,) = (await notes(connection)).values()
    assert note.since <= now - HOUR - 15 * SECOND * 9_999 < note.since + late.COARSE
    # The present is no business of it.
    other = Home("t", "v", MAC)
    await lateness.note(other, clock.micros() - 10 * SECOND)
    async with database.read() as connection:
        assert other not in await notes(connection)


async def test_a_note_that_is_written_meanwhile_is_not_forgotten(database: Database, clock: ManualClock) -> None:
    """The earlier time and the later writing count, whoever writes; who saw another note forgets none."""
    start = clock.micros() // DAY * DAY
    first, second = Note(start, start + HOUR), Note(start - DAY, start + 2 * HOUR)
    async with database.transaction() as connection:
        await late.write(connection, HOME, first)
    writers = [Note(start - n * HOUR, start + 2 * HOUR - n) for n in range(25)]

    async def write(note: Note) -> None:
        async with database.transaction() as connection:
            await late.write(connection, HOME, note)

    await asyncio.gather(*(write(note) for note in writers))
    async with database.read() as connection:
        assert await notes(connection) == {HOME: Note(start - DAY, start + 2 * HOUR)}
    for seen, began, kept in ((first, start + DAY, True), (second, start + 2 * HOUR, True), (second, start + DAY, False)):
        async with database.transaction() as connection:
            await late.rewind(connection, {}, {HOME: seen}, {}, began)
        async with database.read() as connection:
            assert (HOME in await notes(connection)) is kept
    async with database.read() as connection:
        assert (await connection.execute(sa.select(progress).where(progress.c.work == LATE))).all() == []


async def test_a_device_that_was_offline_sends_its_backlog_newest_first(tmp_path: Path, clock: ManualClock) -> None:
    """From the meters' intake to the peaks; also what the meter read in a household that it was taken from."""
    async with spine(tmp_path, clock) as store:
        meters = await meters_of(store)
        series = store.pipeline.series
        kept: list[str] = []

        async def suggest(profiles: object) -> None:
            kept.append("told")

        keep = Peaks(store.database, meters, series, clock, suggest)
        meters.tell_late(keep.late)
        await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        begin = clock.micros() // DAY * DAY
        clock.set(from_micros(begin))
        await meters.assign(TENANT, MAC, "u")
        devices = [Device(1.2 * 3600, 600, 2000), Device(2.3 * 3600, 600, 2000), Device(3.6 * 3600, 800, 2000)]
        watts = Day(devices, seconds=4 * 3600).watts(np.random.default_rng(5))
        times, totals = (each.tolist() for each in readings(watts, begin, 120))

        async def send(at: int, now: int) -> None:
            clock.set(from_micros(now))
            sent = Measurement(totals[at], False, time=times[at], value_current=0.0, time_unit="ns")
            await meters.take(meters.meter(TENANT, MAC), sent)

        offline = range(32, 100)
        for at in range(len(times)):
            if at not in offline:
                await send(at, times[at] + SECOND)
            if times[at] % WINDOW >= WINDOW - 2 * MINUTE:
                await keep.process_all(times[at] // WINDOW * WINDOW + WINDOW)
        found = await keep.found(TENANT, "u", 0, EVER)
        assert [round((each.start - begin) / HOUR, 1) for each in found] == [3.6]
        # Taken away while the last one runs; the backlog comes from where the meter is now.
        clock.set(from_micros(begin + 4 * HOUR - 10 * MINUTE))
        for at in reversed(offline):
            await send(at, begin + 4 * HOUR + 70 * SECOND)
        clock.set(from_micros(begin + 4 * HOUR + 2 * MINUTE))
        await meters.assign(TENANT, MAC, "v")
        clock.set(from_micros(begin + 5 * HOUR))
        await keep.process_all(begin + 5 * HOUR)
        found = await keep.found(TENANT, "u", 0, EVER)
        assert [round((each.start - begin) / HOUR, 1) for each in found] == [1.2, 2.3, 3.6]
        assert await keep.found(TENANT, "v", 0, EVER) == []
