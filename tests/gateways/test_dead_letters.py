"""Dead letters: every one counted, enough of them kept, none of them dangerous."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from wattline.gateways import store
from wattline.gateways.dead_letters import ALIKE, MOST_WAITING, DeadLetters, shown
from wattline.gateways.model import CATEGORIES
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock
from wattline.model.errors import Unavailable
from wattline.state.database import Database


async def test_a_letter_reads_as_it_came(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock)
    letters.add("t", "microlink/x", '{"v":"°C"}\n'.encode(), "PARSE_ERROR", "not so")
    await letters.flush()
    (found,) = await letters.newest("t")
    assert (found.topic, found.payload, found.category, found.message) == (
        "microlink/x",
        '{"v":"°C"}\n',
        "PARSE_ERROR",
        "not so",
    )
    assert found.received == clock.micros()
    assert await letters.newest("other") == []
    assert letters.totals == {"PARSE_ERROR": 1}


async def test_what_a_store_cannot_hold_is_escaped_and_cut(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock)
    letters.add("t", "a\x00b" * 1000, b"\x00\xff\x1b[31m" + b"x" * 90_000, "TOPIC_ERROR", "m\x00" * 2000)
    await letters.flush()
    (found,) = await letters.newest("t")
    assert found.payload.startswith("\\x00\\xff\\x1b[31mxxx")
    assert (len(found.payload), len(found.message), len(found.topic)) == (4000, 1000, 1024)
    assert "\x00" not in found.topic + found.message


@given(st.binary(max_size=20_000))
def test_any_payload_can_be_shown(payload: bytes) -> None:
    text = shown(payload)
    assert len(text) <= 4000
    assert all(letter.isprintable() or letter in "\n\t" for letter in text)
    text.encode()


async def test_a_storm_is_counted_and_little_of_it_kept(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock)
    for number in range(30_000):
        letters.add("t", f"topic/{number % 3}", b"x", CATEGORIES[number % 2], "bad")
    await letters.flush()
    since = clock.micros() - MINUTE
    assert await letters.count_since("t", since) == 30_000
    assert len(await letters.newest("t", 1000)) == 6 * ALIKE
    assert await letters.not_kept_since("t", since) == 30_000 - 6 * ALIKE
    assert sum(letters.totals.values()) == 30_000
    clock.advance(3600)
    letters.add("t", "topic/0", b"x", "PARSE_ERROR", "bad")
    await letters.flush()
    assert len(await letters.newest("t", 1000)) == 6 * ALIKE + 1


async def test_a_topic_that_is_never_the_same_fills_no_memory_and_no_store(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock)
    for number in range(50):
        letters.add("t", f"{'x' * 60_000}{number}", b"x", "TOPIC_ERROR", "bad")
    await letters.flush()
    assert len(await letters.newest("t", 1000)) == ALIKE


async def test_many_different_letters_wait_within_bounds(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock)
    for number in range(MOST_WAITING + 50):
        letters.add("t", f"topic/{number}", b"x", "PARSE_ERROR", "bad")
    await letters.flush()
    assert await letters.count_since("t", 0) == MOST_WAITING + 50
    assert await letters.not_kept_since("t", 0) == 50


async def test_a_day_has_so_much_room_also_after_a_restart(database: Database, clock: ManualClock) -> None:
    for _ in range(2):
        letters = DeadLetters(database, clock, most_per_day=5)
        for number in range(4):
            letters.add("t", f"topic/{number}", b"x", "PARSE_ERROR", "bad")
        letters.add("other", "topic", b"x", "PARSE_ERROR", "bad")
        await letters.flush()
    assert len(await letters.newest("t")) == 5
    assert len(await letters.newest("other")) == 2
    assert await letters.count_since("t", 0) == 8
    clock.advance(24 * 3600)
    letters.add("t", "topic/0", b"x", "PARSE_ERROR", "bad")
    await letters.flush()
    assert len(await letters.newest("t")) == 6


async def test_counting_since(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock)
    letters.add("t", "a", b"", "PARSE_ERROR", "")
    await letters.flush()
    clock.advance(7200)
    letters.add("t", "a", b"", "PARSE_ERROR", "")
    assert await letters.count_since("t", clock.micros() - HOUR) == 1
    assert await letters.count_since("t", clock.micros() - 3 * HOUR) == 2
    await letters.flush()
    assert await letters.count_since("t", clock.micros() - HOUR) == 1
    assert [letter.received for letter in await letters.newest("t", 1)] == [clock.micros()]


async def test_old_letters_are_dropped(database: Database, clock: ManualClock) -> None:
    letters = DeadLetters(database, clock, keep=2 * DAY)
    letters.add("t", "old", b"", "PARSE_ERROR", "")
    await letters.flush()
    clock.advance(3 * 86_400)
    letters.add("t", "new", b"", "PARSE_ERROR", "")
    await letters.flush()
    await letters.prune()
    assert [letter.topic for letter in await letters.newest("t")] == ["new"]
    assert await letters.count_since("t", 0) == 1


async def test_a_store_that_is_away_loses_nothing(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = DeadLetters(database, clock)
    letters.add("t", "a", b"", "PARSE_ERROR", "")
    whole: Callable[..., object] = store.insert

    async def away(*_: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(store, "insert", away)
    with pytest.raises(Unavailable):
        await letters.flush()
    monkeypatch.setattr(store, "insert", whole)
    letters.add("t", "b", b"", "PARSE_ERROR", "")
    await letters.flush()
    assert [letter.topic for letter in await letters.newest("t")] == ["b", "a"]
    assert await letters.count_since("t", 0) == 2
    async with database.read() as connection:
        assert (await connection.execute(sa.select(sa.func.sum(store.counts.c.kept)))).scalar_one() == 2
