"""Random histories against plain arithmetic: whatever is swapped, rolls over, spikes, comes twice or out of order, the total
never falls and is the sum of what was used, as far as that can be known."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from wattline.households.meters.model import Kind
from wattline.model.clock import ManualClock

from .home import Home, home

PER_SECOND = 0.6 / 60
KWH = 1e-6


@dataclass(frozen=True)
class Reading:
    """A true reading: its second, what the device sends, and what was used since the first one."""

    second: int
    value: float
    used: float


def truth(choice: random.Random, count: int, start: float, *, top: float = 1e9, analog: bool = False) -> list[Reading]:
    """Readings of one register that may roll over at `top`, each within the limit after the one before."""
    second, register, used, found = 0, start, 0.0, []
    for number in range(count):
        step = 0.0
        if number:
            gap = choice.choice((15, 15, 21, 60, 600))
            second += gap
            step = round(choice.choice((0.0, choice.random(), 1.0)) * PER_SECOND * gap, 3)
        elif analog:
            step = 0.01
        register = round(register + step, 3)
        used += step if number else 0.0
        found.append(Reading(second, step if analog else round(register % top, 3), used))
    return found


async def check(h: Home, wanted: list[Reading]) -> None:
    """The rows are the readings, and the totals grow by what was used."""
    rows = await h.rows()
    assert [row["at"] for row in rows] == [reading.second for reading in wanted]
    assert [row["total"] - rows[0]["total"] for row in rows] == pytest.approx([each.used for each in wanted], abs=KWH)


@pytest.mark.parametrize("kind", [Kind.DIGITAL_ELECTRICITY, Kind.ANALOG_ELECTRICITY])
async def test_any_order_of_arrival_gives_the_same_totals(directory: Path, clock: ManualClock, kind: Kind) -> None:
    async with home(directory, clock, kind) as h:
        for seed in range(8):
            choice = random.Random(seed)
            await h.next_home(f"u{seed + 2}")
            analog = kind is Kind.ANALOG_ELECTRICITY
            rolls = seed % 2 == 0
            wanted = truth(choice, 9, 99_999.8 if rolls else 7000.0, top=1e5 if rolls else 1e9, analog=analog)
            arriving = choice.sample(wanted, len(wanted))
            for at, reading in enumerate(arriving):
                assert await h.send(reading.second, reading.value) is None, (seed, arriving, reading)
                again = choice.choice(arriving[: at + 1])
                assert await h.send(again.second, again.value) is None, (seed, arriving, again)
            await check(h, wanted)


async def test_swaps_spikes_and_repeats_in_order(directory: Path, clock: ManualClock) -> None:
    async with home(directory, clock) as h:
        for seed in range(8):
            await h.next_home(f"u{seed + 2}")
            await one_history(h, random.Random(seed))


async def one_history(h: Home, choice: random.Random) -> None:
    """Some registers after one another; each is believed at its third reading, and counts from its first one."""
    second, known = 0, 0.0
    accepted: list[tuple[int, float]] = []
    for number in range(4):
        start = (4000.0, 100.0, 20_000.0, 99_999.9)[number] + choice.random() / 10
        readings = truth(choice, 8, start, top=1e5 if start > 99_000 else 1e9)
        for at, reading in enumerate(readings):
            # Another register is seen first fifteen seconds after the former one was seen last.
            second += reading.second - readings[at - 1].second if at else 15
            if number and at == 3:
                await one_restart(h, choice)
            taken = await h.send(second, reading.value) is None
            assert taken is not (bool(number) and at < 2), (number, at, reading, accepted)
            if not taken:
                continue
            accepted.append((second, known + reading.used))
            if at >= 3 and choice.random() < 0.4:
                for false in (reading.value + 50.0, reading.value - 2.0):
                    assert await h.send(second + 1, false) is not None
            if choice.random() < 0.3:
                assert await h.send(second, reading.value) is None
        known += readings[-1].used
    rows = await h.rows()
    assert [row["at"] for row in rows] == [at for at, _ in accepted]
    assert [row["total"] - rows[0]["total"] for row in rows] == pytest.approx([used for _, used in accepted], abs=KWH)


async def one_restart(h: Home, choice: random.Random) -> None:
    if choice.random() < 0.2:
        await h.restart(crash=choice.random() < 0.5)
