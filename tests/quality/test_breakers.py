"""The breaker's state machine against a table, for every short history."""

from __future__ import annotations

from itertools import product

from wattline.quality.protection.model import STATES, Breaker, Report, State, step

IMPOSSIBLE = {("tripped", "closed"), ("open", "tripped")}
"""What a breaker cannot do at once: it is reset before it is closed, and closed before it trips."""
KNOWN: tuple[tuple[State, int], ...] = tuple(product(STATES, (0, 1, 2)))


def test_every_history_of_four_events_follows_the_table() -> None:
    for history in product(KNOWN, repeat=4):
        breaker: Breaker | None = None
        state, newest, since = None, -1, -1
        for wanted, time in history:
            found = step(breaker, 5, Report("breaker_state", time, state=wanted))
            if time < newest:
                assert found.late, history
                assert found.breaker is None, history
                assert not found.sequence_gap, history
                continue
            assert not found.late, history
            assert found.sequence_gap == ((state, wanted) in IMPOSSIBLE), history
            assert found.prev_state == state, history
            since = since if state == wanted else time
            state, newest = wanted, time
            breaker = found.breaker
            assert breaker == Breaker(5, "main", state, since, newest), history


def test_a_trip_needs_no_state_and_an_alarm_has_none() -> None:
    closed = Breaker(5, "main", "closed", 1, 1)
    tripped = step(closed, 5, Report("trip_short_circuit", 2))
    assert (tripped.state, tripped.sequence_gap) == ("tripped", False)
    alarm = step(closed, 5, Report("earth_leakage_alarm", 2))
    assert (alarm.state, alarm.prev_state) == (None, "closed")
    assert alarm.breaker == Breaker(5, "main", "closed", 1, 2)
