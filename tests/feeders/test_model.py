"""The breaker's state machine against the table it was specified by, for every short history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.feeders.model import Action, FeederState, GridEvent, Mail, Severity, resolve_site

ALARM, INFO = Severity.ALARM, Severity.INFO


@dataclass
class Table:
    """The specification, row by row: what arrives, in which state, and what is to happen."""

    state: str = "closed"
    last_change: int = -1
    mailed: bool = False
    pending: bool = False

    def arrive(self, what: str, at: int) -> str:
        row = (what, self.state)
        if row in (("TRIP", "closed"), ("TRIP_INFO", "closed")):
            if at <= self.last_change:
                return "nothing"
            self.state, self.mailed, self.pending, self.last_change = "tripped", False, what == "TRIP", at
            return "announce_trip" if what == "TRIP" else "nothing"
        if row[1] == "tripped" and what in ("TRIP", "TRIP_INFO"):
            self.last_change = max(self.last_change, at)
            return "nothing"
        if at < self.last_change:
            return "nothing"
        self.last_change = at
        if self.state == "closed":
            return "nothing"
        action = "announce_restore" if self.mailed else "cancel_trip" if self.pending else "nothing"
        self.state, self.mailed, self.pending = "closed", False, False
        return action

    def accept(self) -> None:
        if self.pending:
            self.mailed, self.pending = True, False


def apply(state: FeederState, what: str, at: int) -> tuple[FeederState, Action]:
    if what == "RESTORE":
        return state.restore(at)
    return state.trip(at, ALARM if what == "TRIP" else INFO)


WORDS = [(what, at) for what in ("TRIP", "TRIP_INFO", "RESTORE") for at in (0, 1, 2)] + [("ACCEPTED", 0)]


def test_every_history_of_five_events_follows_the_table() -> None:
    for history in product(WORDS, repeat=5):
        state, table = FeederState(), Table()
        for what, at in history:
            if what == "ACCEPTED":
                state = state.accepted()
                table.accept()
                continue
            state, action = apply(state, what, at)
            assert action.value == table.arrive(what, at), history
            assert state.tripped == (table.state == "tripped"), history
            assert (state.mail is Mail.ACCEPTED, state.mail is Mail.PENDING) == (table.mailed, table.pending), history


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=12), st.randoms())
def test_the_state_is_that_of_the_newest_event_in_whatever_order_they_arrive(
    events: list[tuple[bool, int]], random: object
) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    state = FeederState()
    for is_trip, at in shuffled:
        state = (state.trip(at, ALARM) if is_trip else state.restore(at))[0]
    newest = max(at for _, at in events)
    restored_then = any(at == newest and not is_trip for is_trip, at in events)
    assert state.tripped is not restored_then
    assert state.last_change == newest


def test_since_is_when_the_trip_that_stands_happened() -> None:
    state = FeederState().trip(10, ALARM)[0].trip(20, ALARM)[0]
    assert (state.since, state.trip_seq) == (10, 1)
    again = state.restore(30)[0].trip(40, ALARM)[0]
    assert (again.since, again.trip_seq) == (40, 2)


def test_a_late_restore_does_not_close_a_feeder_that_opened_since() -> None:
    state, action = FeederState().trip(20, ALARM)[0].accepted().restore(10)
    assert state.tripped
    assert action is Action.NOTHING


EVENT = GridEvent("RTU1", ALARM, "FEEDER_TRIP", received=7, time=5, feeder_id="F1", new_state="OPEN")


def test_identity_ignores_what_a_retry_may_change() -> None:
    assert EVENT.identity == replace(EVENT, received=99, message="again", severity=INFO, site="S").identity


@pytest.mark.parametrize(
    "other",
    [
        replace(EVENT, time=6),
        replace(EVENT, device_id="RTU2"),
        replace(EVENT, feeder_id="F2"),
        replace(EVENT, new_state="CLOSED"),
        replace(EVENT, event_type="FEEDER_RESTORE"),
    ],
)
def test_identity_tells_different_events_apart(other: GridEvent) -> None:
    assert other.identity != EVENT.identity


def test_an_event_without_a_time_of_its_own_has_no_identity() -> None:
    event = replace(EVENT, time=None)
    assert event.identity is None
    assert event.happened == 7


@pytest.mark.parametrize(
    ("device", "site"),
    [
        ("SUB001-FDR002", "SUB001"),
        ("SUB001", "SUB001"),
        ("SUB0012-FDR1", None),
        ("SUB001-EAST-FDR1", "SUB001-EAST"),
        ("RTU9", "SUB007"),
        ("SUB001-RTU", "SUB007"),
        ("elsewhere", None),
    ],
)
def test_resolving_the_substation_of_a_device(device: str, site: str | None) -> None:
    known = {"RTU9": "SUB007", "SUB001-RTU": "SUB007"}
    assert resolve_site(device, known, ["SUB001", "SUB001-EAST", "SUB007"]) == site
