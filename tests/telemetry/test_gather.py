"""Reads that are asked for while one runs are one read; each sees what was there when it was asked."""

from __future__ import annotations

import asyncio

import pytest

from wattline.model.errors import Unavailable
from wattline.telemetry.gather import MOST_SENSORS, Gather


class Store:
    """Answers a read with its sensors and the version at its begin, when it is let."""

    def __init__(self) -> None:
        self.reads: list[tuple[str, list[int]]] = []
        self.version = 0
        self.may = asyncio.Event()
        self.fail = False

    async def read(self, key: str, sensors: list[int]) -> tuple[int, list[int]]:
        self.reads.append((key, sensors))
        version = self.version
        await self.may.wait()
        if self.fail:
            raise Unavailable("away")
        return version, sensors


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_asked_during_a_read_is_the_next_one() -> None:
    store = Store()
    gather = Gather(store.read)
    first = asyncio.create_task(gather("day", [1]))
    await turns()
    store.version = 1
    others = [asyncio.create_task(gather("day", [sensor])) for sensor in (2, 3, 2)]
    elsewhere = asyncio.create_task(gather("week", [9]))
    await turns()
    store.may.set()
    assert await first == (0, [1])
    assert await asyncio.gather(*others) == [(1, [2, 3])] * 3, "they see what was written before they asked"
    assert await elsewhere == (1, [9])
    assert store.reads == [("day", [1]), ("week", [9]), ("day", [2, 3])]
    assert await gather("day", [4]) == (1, [4]), "nothing is left behind"


async def test_a_failure_and_a_caller_that_leaves_concern_nobody_else() -> None:
    store = Store()
    gather = Gather(store.read)
    first = asyncio.create_task(gather("day", [1]))
    await turns()
    leaving, staying = (asyncio.create_task(gather("day", [sensor])) for sensor in (2, 3))
    await turns()
    store.fail = True
    leaving.cancel()
    store.may.set()
    with pytest.raises(Unavailable):
        await first
    with pytest.raises(Unavailable):
        await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
    store.fail = False
    assert await gather("day", [5]) == (0, [5])


async def test_a_read_stays_small_enough() -> None:
    store = Store()
    gather = Gather(store.read)
    tasks = [asyncio.create_task(gather("day", [0]))]
    await turns()
    tasks += [asyncio.create_task(gather("day", list(range(n * 100, n * 100 + 100)))) for n in range(1, 4)]
    await turns()
    store.may.set()
    await asyncio.gather(*tasks)
    assert max(len(sensors) for _, sensors in store.reads) == MOST_SENSORS
    assert len(store.reads) == 3
