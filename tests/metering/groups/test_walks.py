"""Long random lives of groups, virtual meters and accounts, against a plain model of what must be refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from random import Random
from typing import Any

from tests.metering.conftest import House
from wattline.metering.checks import written
from wattline.model.clock import HOUR
from wattline.model.errors import Conflict, Faulty

STEPS = 60


def ways(graph: Mapping[int, list[int]], start: int) -> Iterator[int]:
    """Where every way down from a node ends, the node itself first; the graph has no circles."""
    yield start
    for following in graph.get(start, ()):
        yield from ways(graph, following)


async def faults(change: Awaitable[object]) -> list[str]:
    """Where the faults of a change are; none where it was made."""
    try:
        await change
    except Faulty as error:
        return [fault.pointer for fault in error.faults]
    return []


async def test_a_life_of_groups(house: House) -> None:
    random = Random(4711)
    meters = [await house.meter() for _ in range(4)]
    within: dict[int, list[int]] = {await house.group(): [] for _ in range(5)}
    held: dict[int, list[int]] = {group: [] for group in within}
    single = dict.fromkeys(within, True)
    refused = 0
    for _ in range(STEPS):
        group = random.choice([*within])
        inner = random.sample([*within], random.randint(0, 3))
        body = {"meter_ids": random.sample(meters, random.randint(0, 3)), "group_ids": inner, "dedupe": random.random() < 0.5}
        circle = [f"/group_ids/{index}" for index, each in enumerate(inner) if group in ways(within, each)]
        assert await faults(house.metering.groups.replace("default", group, {"name": "g", **body})) == circle
        if circle:
            refused += 1
            continue
        within[group], held[group], single[group] = inner, body["meter_ids"], body["dedupe"]

        def count(number: int) -> Counter[int]:
            found = Counter(held[number])
            for each in within[number]:
                found += count(each)
            return Counter(dict.fromkeys(found, 1)) if single[number] else found

        for each in within:
            assert house.metering.groups.counts("default", each) == count(each)
    assert 5 < refused < STEPS - 5
    for group in within:
        used = any(group in inner for inner in within.values())
        try:
            await house.metering.groups.remove("default", group)
        except Conflict:
            assert used
        else:
            assert not used
            within[group] = []


async def test_a_life_of_virtual_meters(house: House) -> None:
    random = Random(4712)
    real = [await house.meter() for _ in range(3)]
    formulas: dict[int, dict[int, int]] = {}
    for _ in range(4):
        made = await house.meter(kind="virtual", formula=[{"meter_id": real[0]}])
        formulas[made] = {real[0]: 1}
    refused = 0
    for _ in range(STEPS):
        virtual = random.choice([*formulas])
        terms = {each: random.choice([1, -1]) for each in random.sample([*real, *formulas], random.randint(1, 3))}
        graph = {number: [*below] for number, below in formulas.items()}
        circle = [f"/formula/{index}/meter_id" for index, each in enumerate(terms) if virtual in ways(graph, each)]
        formula = [{"meter_id": number, "sign": sign} for number, sign in terms.items()]
        assert await faults(house.metering.meters.patch("default", virtual, {"formula": formula})) == circle
        if circle:
            refused += 1
            continue
        formulas[virtual] = terms

        def total(number: int, sign: int) -> Iterator[tuple[int, int]]:
            if number not in formulas:
                yield number, sign
            for below, own in formulas.get(number, {}).items():
                yield from total(below, sign * own)

        for each in formulas:
            expected: dict[int, int] = {}
            for leaf, sign in total(each, 1):
                expected[leaf] = expected.get(leaf, 0) + sign
            found = {meter.id: weight for meter, weight in house.metering.members("default", meter_id=each)}
            assert found == {leaf: weight for leaf, weight in expected.items() if weight}
    assert 5 < refused < STEPS - 5


async def test_a_life_of_accounts(house: House) -> None:
    random = Random(4713)
    meters = [await house.meter() for _ in range(2)]
    accounts = [await house.account() for _ in range(3)]
    owned: dict[int, list[tuple[int, int, int]]] = {account: [] for account in accounts}
    refused = 0
    for _ in range(STEPS):
        account = random.choice(accounts)
        spans = []
        for _ in range(random.randint(0, 2)):
            start = random.randint(0, 20)
            spans.append((random.choice(meters), start, random.randint(start + 1, 24)))
        entries: list[dict[str, Any]] = [
            {"meter_id": meter, "from": written(start * HOUR), "to": None if end == 24 else written(end * HOUR)}
            for meter, start, end in spans
        ]
        planned = owned | {account: spans}
        hours = Counter((meter, hour) for each in planned.values() for meter, start, end in each for hour in range(start, end))
        twice = any(times > 1 for times in hours.values())
        try:
            await house.metering.accounts.patch("default", account, {"meters": entries})
        except Conflict:
            assert twice
            refused += 1
            continue
        assert not twice
        owned = planned
        for hour in range(25):
            for each in accounts:
                expected = sorted({meter for meter, start, end in owned[each] if start <= hour and (hour < end or end == 24)})
                assert house.metering.accounts.meters_at("default", each, hour * HOUR) == expected
    assert 5 < refused < STEPS - 5
