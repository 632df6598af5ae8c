"""Lists of events lead both ways: every event is on one page, whichever way one goes, while others are told."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.quality.conftest import BREAKERS, EVENTS, PROTECTION, Meter, meter_in

Document = dict[str, Any]


async def page(depot: Depot, path: str, query: dict[str, Any], link: str | None = None) -> Document:
    """A page: the one that a link leads to, else the first."""
    asked = query if link is None else {name: value[0] for name, value in parse_qs(urlsplit(link).query).items()}
    answer = await depot.call("GET", path, params=asked)
    assert answer.status_code == 200, answer.text
    found: Document = answer.json()
    return found


async def tell(meter: Meter, path: str, number: int, ago: float) -> None:
    if path == EVENTS:
        body = {"type": "thd", "start": meter.at(-ago), "end": meter.at(-ago), "value_pct": 6}
    else:
        body = {"kind": "arc_fault", "timestamp": meter.at(-ago)}
    await meter.told(path, {**body, "source_event_id": f"n-{number}"}, 201)


@pytest.mark.parametrize("path", [EVENTS, PROTECTION])
async def test_a_list_of_events_leads_forward_and_back(depot: Depot, path: str) -> None:
    meter = await meter_in(depot)
    for number in range(7):
        # Two are of one time, and may be on two pages.
        await tell(meter, path, number, 60 - 5 * (number // 2))
    query = {"meter_id": meter.id, "limit": 3}
    pages = [await page(depot, path, query)]
    assert pages[0]["previous"] is None
    while pages[-1]["next"] is not None:
        pages.append(await page(depot, path, query, pages[-1]["next"]))
    rows = [[row["id"] for row in each["results"]] for each in pages]
    assert [len(each) for each in rows] == [3, 3, 1]
    whole = await page(depot, path, {"meter_id": meter.id})
    assert [row["id"] for row in whole["results"]] == [*rows[0], *rows[1], *rows[2]]
    assert (whole["next"], whole["previous"], {each["count"] for each in pages}) == (None, None, {7})

    # One that is newer than all comes meanwhile: the way back has it first, and no other twice.
    await tell(meter, path, 7, 1)
    back = [await page(depot, path, query, pages[-1]["previous"])]
    assert [row["id"] for row in back[0]["results"]] == rows[1]
    assert back[0]["next"] is not None
    while back[-1]["previous"] is not None:
        back.append(await page(depot, path, query, back[-1]["previous"]))
    found = [[row["id"] for row in each["results"]] for each in back]
    assert found[1] == rows[0]
    assert [len(each) for each in found] == [3, 3, 1]
    forth = await page(depot, path, query, back[1]["next"])
    assert [row["id"] for row in forth["results"]] == rows[1]


@pytest.mark.parametrize("path", [EVENTS, PROTECTION])
async def test_an_empty_page_leads_back_to_what_there_is(depot: Depot, path: str) -> None:
    meter = await meter_in(depot)
    for number in range(3):
        await tell(meter, path, number, 60 - number)
    query = {"meter_id": meter.id, "limit": 2}
    last = await page(depot, path, query, (await page(depot, path, query))["next"])
    # The same place in a list that ends before it: a cursor is a place, and not a row.
    (cursor,) = parse_qs(urlsplit(last["previous"]).query)["cursor"]
    empty = await page(depot, path, {**query, "to": meter.at(-59.5), "cursor": cursor})
    assert (empty["results"], empty["count"], empty["previous"]) == ([], 1, None)
    assert (await page(depot, path, query, empty["next"]))["results"] == last["results"]


async def test_breakers_stay_on_their_pages_when_another_comes(depot: Depot) -> None:
    meter = await meter_in(depot)
    long = "a switch whose name is long, "
    names = ["Q1", "Q2", "Q3", f"{long}1", f"{long}2"]

    async def closed(name: str) -> None:
        body = {"kind": "breaker_state", "state": "closed", "breaker_id": name, "timestamp": meter.at(-9)}
        await meter.told(PROTECTION, body, 201)

    for name in names:
        await closed(name)
    query = {"meter_id": meter.id, "limit": 2}
    first = await page(depot, BREAKERS, query)
    await closed("A0")
    rows, link = first["results"], first["next"]
    while link is not None:
        found = await page(depot, BREAKERS, query, link)
        rows, link = rows + found["results"], found["next"]
    assert sorted(row["breaker_id"] for row in rows) == sorted(names)
    assert [row["breaker_id"] for row in rows][:3] == ["Q1", "Q2", "Q3"]
    back = (await page(depot, BREAKERS, query, found["previous"]))["results"]
    assert back == rows[-len(found["results"]) - 2 : -len(found["results"])]


@pytest.mark.parametrize("cursor", ["WzEsMl0", "W2ZhbHNlLDFd", "x"])
async def test_a_cursor_of_another_list_is_400(depot: Depot, cursor: str) -> None:
    for path in (EVENTS, PROTECTION):
        answer = await depot.call("GET", path, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_cursor")
