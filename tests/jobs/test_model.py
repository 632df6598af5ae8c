"""Names, keys, and the arithmetic of slots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.jobs.model import check_key, check_name, due_slot, slot_at
from wattline.model.errors import Invalid

MOMENT = st.integers(0, 10**16)
PERIOD = st.integers(1, 10**12)


@given(MOMENT, PERIOD)
def test_a_slot_is_the_newest_multiple(now: int, every: int) -> None:
    slot = slot_at(now, every)
    assert slot % every == 0
    assert slot <= now < slot + every


@given(MOMENT, MOMENT, PERIOD)
def test_without_catching_up_at_most_one_slot_is_due(done: int, now: int, every: int) -> None:
    done = slot_at(done, every)
    due = due_slot(done, now, every, catch_up=False)
    assert due > done
    assert due == done + every or due == slot_at(now, every)
    assert due_slot(due, now, every, catch_up=False) > now


@given(MOMENT, MOMENT, PERIOD)
def test_catching_up_leaves_no_slot_out(done: int, now: int, every: int) -> None:
    assert due_slot(slot_at(done, every), now, every, catch_up=True) == slot_at(done, every) + every


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a/b", "a" * 65, "a\n"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(Invalid):
        check_name(name)


@pytest.mark.parametrize("key", ["", "  ", "k" * 201])
def test_keys_are_text(key: str) -> None:
    with pytest.raises(Invalid):
        check_key(key)


def test_good_names_and_keys_pass() -> None:
    assert check_name("key-usage.2_x") == "key-usage.2_x"
    assert check_key("any / thing ü") == "any / thing ü"
