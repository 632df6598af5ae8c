"""The log's places: what they are written as, and which one a moment has."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.events.service import EventLog
from wattline.ingest.receipt import Receipts
from wattline.ingest.received import ReceivedRows
from wattline.metering.occurrences.making import meter_number
from wattline.metering.occurrences.model import Position
from wattline.metering.occurrences.service import Occurrences
from wattline.model.clock import MINUTE, ManualClock
from wattline.model.errors import Invalid
from wattline.registry.service import Registry
from wattline.state.database import Database

NUMBERS = st.integers(0, 2**63 - 1)


@given(NUMBERS, NUMBERS)
def test_a_position_is_read_back_from_its_text(received: int, sequence: int) -> None:
    position = Position(received, sequence)
    assert Position.read(position.text()) == position


@given(st.text(max_size=80))
def test_no_other_text_is_a_position(text: str) -> None:
    try:
        found = Position.read(text)
    except Invalid:
        return
    assert found.text() == text


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("meter-5", 5),
        ("meter-", None),
        ("5", None),
        (None, None),
        ("meter-x", None),
        ("meter-٣", None),
        ("meter-" + "9" * 40, None),
    ],
)
def test_the_meter_of_a_device(key: str | None, number: int | None) -> None:
    assert meter_number(key) == number


async def test_a_moment_has_the_place_before_the_first_event_received_after_it(database: Database, clock: ManualClock) -> None:
    """Against going through all events, some of which were received before those that precede them."""
    chance, events = random.Random(3), EventLog(database)
    begin = clock.micros()
    # Each is up to ten minutes out of order.
    receipts = [begin + n * MINUTE - chance.randint(0, 10) * MINUTE for n in range(120)]
    async with database.transaction() as connection:
        for n, received in enumerate(receipts):
            await events.append(connection, tenant="t", kind="pq.event", time=begin, received=received, body={"n": n})
    receipts_of_rows = Receipts(clock)
    rows = ReceivedRows(None, receipts_of_rows, None)  # type: ignore[arg-type]
    log = Occurrences(Registry(database, 10, clock), rows, events, clock)
    for moment in (begin - 100 * MINUTE, *(begin + n * MINUTE for n in (-3, 0, 7, 50, 118)), begin + 1000 * MINUTE):
        first = next((n for n, received in enumerate(receipts) if received > moment), len(receipts))
        assert await log.at("t", moment) == Position(moment, first)
    assert await log.at("nobody", begin) == Position(begin, 0)
