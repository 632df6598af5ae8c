"""The life of an outage, in every order of arrival."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from wattline.outages.model import Lifecycle, OutageRecord, Status, life, order

RECORD = OutageRecord("OUT-1", "FDR002", 847, Status.ACTIVE, received=0, time=0)


def record(status: Status, time: int, customers: int = 10) -> OutageRecord:
    return replace(RECORD, status=status, time=time, customers_out=customers)


RECORDS = st.lists(st.builds(record, st.sampled_from(Status), st.integers(0, 9)), max_size=9)


@given(RECORDS)
def test_the_state_is_that_of_the_newest_record_and_a_restore_wins_a_tie(records: list[OutageRecord]) -> None:
    newest = max((each.happened for each in records), default=None)
    restored = any(each.happened == newest and each.status is Status.RESTORED for each in records)
    assert life(records).active is (bool(records) and not restored)


@given(RECORDS, st.randoms())
def test_the_order_of_arrival_never_matters(records: list[OutageRecord], random: object) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert life(shuffled) == life(records)


@given(RECORDS)
def test_following_records_one_by_one_is_exact(records: list[OutageRecord]) -> None:
    lifecycle, seen = Lifecycle(), []
    for each in records:
        follows = lifecycle.follows(each)
        seen.append(each)
        assert follows is (not seen[:-1] or order(each) >= max(order(other) for other in seen[:-1]))
        lifecycle = lifecycle.after(each) if follows else life(seen)
        assert lifecycle == life(seen)


@given(RECORDS)
def test_episodes_are_counted_as_a_walk_over_time_counts_them(records: list[OutageRecord]) -> None:
    out, episodes = False, 0
    for moment in range(10):
        at = [each.status for each in records if each.happened == moment]
        if Status.ACTIVE in at and not out:
            out, episodes = True, episodes + 1
        if Status.RESTORED in at:
            out = False
    assert life(records).episodes == episodes


def test_a_late_update_never_reopens() -> None:
    begin, update, end = record(Status.ACTIVE, 0), record(Status.ACTIVE, 5), record(Status.RESTORED, 9)
    for arrival in permutations((begin, update, end)):
        assert life(arrival) == Lifecycle(active=False, last=(9, True), started=0, restored=9, episodes=1)


def test_beginning_again_is_a_new_episode() -> None:
    again = life([record(Status.ACTIVE, 0), record(Status.RESTORED, 5), record(Status.ACTIVE, 8)])
    assert (again.active, again.started, again.restored, again.episodes) == (True, 8, 5, 2)


def test_identity_covers_what_was_said_and_not_when_it_came() -> None:
    assert replace(RECORD, received=5, site="S").identity == RECORD.identity
    assert replace(RECORD, customers_out=846).identity != RECORD.identity
    assert replace(RECORD, status=Status.RESTORED).identity != RECORD.identity
    assert replace(RECORD, time=None).identity is None
