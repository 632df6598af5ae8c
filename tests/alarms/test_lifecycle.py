"""The life of an alarm, row by row of the table of ISA-18.2 transitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from wattline.alarms import lifecycle
from wattline.alarms.limits import from_schedule, from_thresholds
from wattline.alarms.model import EDGE, Alarm, ChangeKind, Limit, Priority, Standing, State
from wattline.model.clock import HOUR, MINUTE, SECOND
from wattline.model.errors import Invalid, NotFound

from .sensor import NOW, SENSOR, Sensor

H = from_thresholds({"H": {"value": 55, "priority": "P2"}}, range_span=None)
H_HH = from_thresholds({"H": {"value": 55, "priority": "P2"}, "HH": {"value": 60, "priority": "P0"}}, range_span=None)
BOTH_SIDES = from_thresholds({"H": {"value": 55}, "L": {"value": 10}}, range_span=None)


def active(limits: Sequence[Limit] = H) -> Sensor:
    return Sensor(limits).reads(56)


def acked() -> Sensor:
    return active().acked()


def rtn_unack() -> Sensor:
    return active().reads(50)


def shelved() -> Sensor:
    return active().shelved()


def suppressed() -> Sensor:
    return active().suppressed()


def cleared() -> Sensor:
    return acked().reads(50)


STATES: dict[State, Callable[[], Sensor]] = {
    "ACTIVE": active,
    "ACKED": acked,
    "RTN_UNACK": rtn_unack,
    "SHELVED": shelved,
    "SUPPRESSED": suppressed,
    "CLEARED": cleared,
}

TABLE: list[tuple[State, str, Callable[[Sensor], object], State, list[ChangeKind]]] = [
    ("CLEARED", "violated", lambda s: s.reads(56), "ACTIVE", ["alarm_raised"]),
    ("ACTIVE", "acknowledged", Sensor.acked, "ACKED", ["alarm_acked"]),
    ("ACTIVE", "normal", lambda s: s.reads(50), "RTN_UNACK", ["alarm_rtn_unack"]),
    ("ACTIVE", "in the deadband", lambda s: s.reads(54.5), "ACTIVE", []),
    ("ACTIVE", "violated", lambda s: s.reads(58), "ACTIVE", []),
    ("ACKED", "normal", lambda s: s.reads(50), "CLEARED", ["alarm_cleared"]),
    ("ACKED", "violated", lambda s: s.reads(58), "ACKED", []),
    ("RTN_UNACK", "acknowledged", Sensor.acked, "CLEARED", ["alarm_acked", "alarm_cleared"]),
    ("RTN_UNACK", "violated", lambda s: s.reads(56), "ACTIVE", ["alarm_raised"]),
    ("RTN_UNACK", "normal", lambda s: s.reads(50), "RTN_UNACK", []),
    ("ACTIVE", "shelved", Sensor.shelved, "SHELVED", ["alarm_shelved"]),
    ("ACKED", "shelved", Sensor.shelved, "SHELVED", ["alarm_shelved"]),
    ("RTN_UNACK", "shelved", Sensor.shelved, "SHELVED", ["alarm_shelved"]),
    ("SHELVED", "violated", lambda s: s.reads(58), "SHELVED", []),
    ("SHELVED", "normal", lambda s: s.reads(50), "SHELVED", []),
    ("SHELVED", "its time is up", Sensor.expired, "ACTIVE", ["alarm_unshelved"]),
    ("SHELVED", "its time is up, normal", lambda s: s.reads(50).expired(), "CLEARED", ["alarm_unshelved", "alarm_cleared"]),
    ("SHELVED", "unshelved", Sensor.unshelved, "ACTIVE", ["alarm_unshelved"]),
    ("SHELVED", "unshelved, normal", lambda s: s.reads(50).unshelved(), "CLEARED", ["alarm_unshelved", "alarm_cleared"]),
    ("SHELVED", "normal, violated, unshelved", lambda s: s.reads(50, 56).unshelved(), "ACTIVE", ["alarm_unshelved"]),
    ("ACTIVE", "suppressed", Sensor.suppressed, "SUPPRESSED", ["alarm_suppressed"]),
    ("ACKED", "suppressed", Sensor.suppressed, "SUPPRESSED", ["alarm_suppressed"]),
    ("RTN_UNACK", "suppressed", Sensor.suppressed, "SUPPRESSED", ["alarm_suppressed"]),
    ("SHELVED", "suppressed", Sensor.suppressed, "SUPPRESSED", ["alarm_suppressed"]),
    ("SUPPRESSED", "normal", lambda s: s.reads(50), "SUPPRESSED", []),
    ("SUPPRESSED", "violated", lambda s: s.reads(58), "SUPPRESSED", []),
    ("SUPPRESSED", "suppressed again", lambda s: s.suppressed(78), "SUPPRESSED", []),
    ("SUPPRESSED", "released", Sensor.released, "ACTIVE", ["alarm_unsuppressed"]),
    ("SUPPRESSED", "released, normal", lambda s: s.reads(50).released(), "CLEARED", ["alarm_unsuppressed", "alarm_cleared"]),
    ("ACTIVE", "out of service", Sensor.out, "SUPPRESSED", ["alarm_out_of_service"]),
    ("SHELVED", "out of service", Sensor.out, "SUPPRESSED", ["alarm_out_of_service"]),
    ("SUPPRESSED", "out of service", Sensor.out, "SUPPRESSED", ["alarm_out_of_service"]),
    ("ACTIVE", "out and back", lambda s: s.out().back(), "ACTIVE", ["alarm_out_of_service", "alarm_in_service"]),
    (
        "ACTIVE",
        "out, normal and back",
        lambda s: s.out().reads(50).back(),
        "CLEARED",
        ["alarm_out_of_service", "alarm_in_service", "alarm_cleared"],
    ),
    ("ACTIVE", "not released", Sensor.released, "ACTIVE", []),
    ("ACTIVE", "not expired", Sensor.expired, "ACTIVE", []),
    ("ACTIVE", "not back", Sensor.back, "ACTIVE", []),
    ("CLEARED", "suppressed", Sensor.suppressed, "CLEARED", []),
    ("CLEARED", "released", Sensor.released, "CLEARED", []),
    ("CLEARED", "expired", Sensor.expired, "CLEARED", []),
    ("CLEARED", "out", Sensor.out, "CLEARED", []),
]


@pytest.mark.parametrize(("state", "what", "happen", "after", "told"), TABLE, ids=[f"{row[0]}, {row[1]}" for row in TABLE])
def test_transition(state: State, what: str, happen: Callable[[Sensor], object], after: State, told: list[ChangeKind]) -> None:
    sensor = STATES[state]()
    assert sensor.it.state == state
    before, sensor.told = sensor.it, []
    happen(sensor)
    assert (sensor.it.state, sensor.told) == (after, told)
    if state != "CLEARED":
        assert sensor.it.id == before.id
        assert (sensor.it.transitions > before.transitions) == bool(told)


NOT_ELIGIBLE: list[tuple[str, Callable[[Sensor], object], list[State]]] = [
    ("acknowledge", Sensor.acked, ["ACKED", "SHELVED", "SUPPRESSED", "CLEARED"]),
    ("shelve", Sensor.shelved, ["SHELVED", "SUPPRESSED", "CLEARED"]),
    ("unshelve", Sensor.unshelved, ["ACTIVE", "ACKED", "RTN_UNACK", "SUPPRESSED", "CLEARED"]),
]


@pytest.mark.parametrize(("command", "state"), [(command, state) for _, command, states in NOT_ELIGIBLE for state in states])
def test_a_command_needs_a_state_that_allows_it(command: Callable[[Sensor], object], state: State) -> None:
    sensor = STATES[state]()
    with pytest.raises(NotFound, match=r"^No active alarm for sensor 1234$"):
        command(sensor)


def test_a_command_needs_an_alarm() -> None:
    with pytest.raises(NotFound):
        lifecycle.acknowledge(None, "nick", NOW, sensor=SENSOR)
    with pytest.raises(NotFound):
        lifecycle.shelve(None, "nick", "why", HOUR, NOW, sensor=SENSOR)


@pytest.mark.parametrize("duration", [30 * MINUTE - 1, 24 * HOUR + 1, 0, -HOUR])
def test_a_shelf_is_neither_too_short_nor_too_long(duration: int) -> None:
    with pytest.raises(Invalid, match=r"shelved for 0\.5 to 24 hours"):
        active().shelved(duration)
    assert active().shelved(30 * MINUTE).shelved is not None


def test_a_shelf_needs_a_reason() -> None:
    with pytest.raises(Invalid, match="reason"):
        lifecycle.shelve(active().it, "nick", "  ", HOUR, NOW, sensor=SENSOR)


class TestFacts:
    """What an alarm remembers of its transitions."""

    def test_of_its_raise(self) -> None:
        sensor = active()
        assert sensor.it == Alarm(
            id=1,
            tenant="dc",
            sensor=SENSOR,
            priority="P2",
            in_force=True,
            acknowledged=False,
            limit="H",
            threshold_value=55.0,
            threshold_direction="HIGH",
            value_at_raise=56.0,
            value_at_clear=None,
            raised=NOW + SECOND,
            asked=NOW + SECOND,
            transitions=1,
        )

    def test_of_its_acknowledgement_and_end(self) -> None:
        it = cleared().it
        assert (it.acked, it.acked_by, it.response_time) == (NOW + 2 * SECOND, "nick", SECOND)
        assert (it.cleared, it.value_at_clear, it.ended, it.transitions) == (NOW + 3 * SECOND, 50.0, True, 3)

    def test_the_end_is_the_return_to_normal_and_not_the_acknowledgement_after_it(self) -> None:
        it = rtn_unack().acked().it
        assert (it.cleared, it.acked, it.response_time) == (NOW + 2 * SECOND, NOW + 3 * SECOND, 2 * SECOND)

    def test_a_raise_before_the_acknowledgement_wipes_the_return(self) -> None:
        it = rtn_unack().reads(57).it
        assert (it.cleared, it.value_at_clear, it.value_at_raise, it.raised) == (None, None, 57.0, NOW + 3 * SECOND)
        # It has been asking for an operator since the first raise.
        assert it.asked == NOW + SECOND

    def test_of_its_shelf(self) -> None:
        it = shelved().it
        at = NOW + 2 * SECOND
        assert (it.shelved, it.shelved_by, it.shelved_until, it.shelve_reason) == (at, "nick", at + HOUR, "calibration")
        it = shelved().unshelved().it
        assert (it.shelved, it.shelved_by, it.shelved_until, it.shelve_reason) == (None,) * 4
        assert it.asked == NOW + 3 * SECOND

    def test_an_acknowledged_alarm_must_be_acknowledged_again_after_it_was_hidden(self) -> None:
        it = acked().shelved().unshelved().it
        assert (it.state, it.acked, it.acked_by, it.response_time) == ("ACTIVE", None, None, None)

    def test_of_its_cause(self) -> None:
        assert suppressed().it.suppressed_by == 77
        assert suppressed().released().it.suppressed_by is None

    def test_an_end_while_hidden_is_the_time_of_the_sample(self) -> None:
        it = shelved().reads(50).unshelved().it
        assert (it.cleared, it.value_at_clear) == (NOW + 3 * SECOND, 50.0)

    def test_a_clock_ahead_gives_no_negative_response_time(self) -> None:
        alarm = replace(active().it, asked=NOW + HOUR)
        assert lifecycle.acknowledge(alarm, "nick", NOW, sensor=SENSOR).alarm.response_time == 0


class TestSeveralLimits:
    """One alarm a sensor, for the most severe limit in force."""

    def test_a_value_between_two_limits_raises_once(self) -> None:
        assert Sensor(H_HH).reads(*[56] * 6).told == ["alarm_raised"]
        assert Sensor(BOTH_SIDES).reads(*[70] * 6).told == ["alarm_raised"]

    @pytest.mark.parametrize("limits", [H_HH, tuple(reversed(H_HH))])
    def test_a_jump_past_both_is_the_more_severe_at_once(self, limits: Sequence[Limit]) -> None:
        sensor = Sensor(limits).reads(75)
        assert (sensor.told, sensor.it.priority, sensor.it.threshold_value) == (["alarm_raised"], "P0", 60.0)

    def test_an_escalation_asks_again(self) -> None:
        sensor = active(H_HH).acked().reads(61)
        assert (sensor.told[-1], sensor.it.state, sensor.it.priority) == ("alarm_escalated", "ACTIVE", "P0")
        assert (sensor.it.acked, sensor.it.asked, sensor.it.limit) == (None, NOW + 3 * SECOND, "HH")
        assert sensor.it.value_at_raise == 56.0

    def test_an_escalation_before_the_acknowledgement_has_been_asking_all_along(self) -> None:
        assert active(H_HH).reads(61).it.asked == NOW + SECOND

    def test_a_de_escalation_stays_acknowledged(self) -> None:
        sensor = active(H_HH).reads(61).acked().reads(57)
        assert (sensor.told[-1], sensor.it.state, sensor.it.priority) == ("alarm_deescalated", "ACKED", "P2")
        assert sensor.it.threshold_value == 55.0

    def test_a_limit_further_out_of_the_same_priority_asks_again(self) -> None:
        limits = from_thresholds({"H": {"value": 55}, "HH": {"value": 60}}, range_span=None)
        sensor = active(limits).acked().reads(61)
        assert (sensor.told[-1], sensor.it.state) == ("alarm_escalated", "ACTIVE")
        assert sensor.acked().reads(57).told[-1] == "alarm_deescalated"

    def test_low_limits_escalate_downwards(self) -> None:
        limits = from_thresholds({"L": {"value": -10}, "LL": {"value": -20}}, range_span=None)
        assert Sensor(limits).reads(-15, -25, -15, 0).told == [
            *("alarm_raised", "alarm_escalated", "alarm_deescalated", "alarm_rtn_unack")
        ]

    def test_from_too_high_to_too_low_is_a_raise_of_its_own(self) -> None:
        sensor = Sensor(BOTH_SIDES).reads(70).acked().reads(5)
        assert (sensor.told[-1], sensor.it.state, sensor.it.threshold_direction) == ("alarm_raised", "ACTIVE", "LOW")
        assert (sensor.alarms, sensor.it.value_at_raise, sensor.it.raised) == (1, 5.0, NOW + 3 * SECOND)

    def test_a_boolean_leak_detector_trips(self) -> None:
        leak = from_schedule({"P0": (None, 1.0)}, range_span=1.0, boolean=True)
        sensor = Sensor(leak).reads(0, 1, 1, 0)
        assert (sensor.told, sensor.it.priority) == (["alarm_raised", "alarm_rtn_unack"], "P0")

    def test_limits_at_and_below_zero(self) -> None:
        for limit, values in ((0.0, (-1, 1, -0.5, -2)), (-40.0, (-45, -39, -40.5, -45))):
            limits = from_thresholds({"H": {"value": limit}}, range_span=80.0)
            assert Sensor(limits).reads(*values).told == ["alarm_raised", "alarm_rtn_unack"]

    def test_a_limit_that_was_moved_is_told_of_with_the_next_transition(self) -> None:
        sensor = active()
        sensor.limits = from_thresholds({"H": {"value": 50}}, range_span=None)
        assert sensor.reads(56).told == ["alarm_raised"]
        assert (sensor.it.threshold_value, sensor.it.transitions) == (50.0, 1)


class TestCriticalAlarms:
    """Nothing that was decided about a lesser alarm hides a P0."""

    def test_no_other_alarm_suppresses_it(self) -> None:
        sensor = active(H_HH).reads(61)
        assert sensor.suppressed().it.state == "ACTIVE"
        assert Sensor(H_HH, suppressor=77).reads(75).told == ["alarm_raised"]
        assert sensor.reads(50).suppressed().it.state == "RTN_UNACK"

    def test_nor_hides_its_raise_after_a_return_to_normal(self) -> None:
        sensor = active(H_HH).reads(50)
        sensor.suppressor = 77
        assert (sensor.reads(61).told[-1], sensor.it.state, sensor.it.suppressed_by) == ("alarm_raised", "ACTIVE", None)

    def test_it_ends_a_suppression(self) -> None:
        sensor = active(H_HH).acked().suppressed().reads(61)
        assert sensor.told[-2:] == ["alarm_unsuppressed", "alarm_escalated"]
        assert (sensor.it.state, sensor.it.suppressed_by, sensor.it.asked) == ("ACTIVE", None, sensor.now)

    def test_it_breaks_a_shelf_laid_on_a_lesser_alarm(self) -> None:
        sensor = active(H_HH).shelved().reads(61)
        assert sensor.told[-2:] == ["alarm_unshelved", "alarm_escalated"]
        assert (sensor.it.state, sensor.it.shelved_until, sensor.it.shelve_reason) == ("ACTIVE", None, None)

    def test_also_when_it_had_returned_to_normal(self) -> None:
        sensor = active(H_HH).shelved().reads(50, 61)
        assert sensor.told[-2:] == ["alarm_unshelved", "alarm_raised"]

    def test_and_both_at_once(self) -> None:
        sensor = active(H_HH).shelved().suppressed().reads(61)
        assert sensor.told[-3:] == ["alarm_unsuppressed", "alarm_unshelved", "alarm_escalated"]
        assert sensor.it.state == "ACTIVE"

    def test_but_not_a_shelf_laid_on_itself(self) -> None:
        sensor = active(H_HH).reads(61).shelved().reads(57, 61, 50, 61)
        assert (sensor.told[-1], sensor.it.state) == ("alarm_shelved", "SHELVED")

    def test_nor_does_it_bring_a_sensor_back_into_service(self) -> None:
        sensor = active(H_HH).shelved().suppressed().out().reads(61)
        assert sensor.it.state == "SUPPRESSED"
        assert sensor.told[-2:] == ["alarm_unsuppressed", "alarm_unshelved"]
        assert sensor.back().told[-1] == "alarm_in_service"
        assert sensor.it.state == "ACTIVE"

    @pytest.mark.parametrize("hide", [Sensor.shelved, Sensor.suppressed])
    def test_a_lesser_escalation_stays_hidden(self, hide: Callable[[Sensor], Sensor]) -> None:
        limits = from_thresholds({"H": {"value": 55}, "HH": {"value": 60, "priority": "P1"}}, range_span=None)
        sensor = hide(active(limits))
        told = list(sensor.told)
        assert sensor.reads(61).told == told
        assert (sensor.it.priority, sensor.it.transitions) == ("P1", 2)


class TestHiding:
    """Shelf, cause and service lie over one another."""

    def test_a_shelf_lasts_under_a_suppression(self) -> None:
        sensor = shelved().suppressed().released()
        assert (sensor.it.state, sensor.told[-1]) == ("SHELVED", "alarm_unsuppressed")
        assert sensor.it.shelve_reason == "calibration"

    def test_and_may_end_there(self) -> None:
        sensor = shelved().suppressed().expired()
        assert (sensor.it.state, sensor.told[-1]) == ("SUPPRESSED", "alarm_unshelved")
        assert sensor.released().it.state == "ACTIVE"

    def test_a_shelf_does_not_end_before_its_time(self) -> None:
        alarm = shelved().it
        assert alarm.shelved_until is not None
        assert lifecycle.expire(alarm, alarm.shelved_until - 1).alarm is alarm
        assert lifecycle.expire(alarm, alarm.shelved_until).alarm.state == "ACTIVE"

    def test_a_raise_under_a_cause_is_told_as_a_suppression(self) -> None:
        sensor = Sensor(H, suppressor=77).reads(56)
        assert (sensor.told, sensor.it.state, sensor.it.suppressed_by) == (["alarm_suppressed"], "SUPPRESSED", 77)

    def test_so_is_a_raise_after_a_return_to_normal(self) -> None:
        sensor = rtn_unack()
        sensor.suppressor = 77
        assert (sensor.reads(56).told[-1], sensor.it.state) == ("alarm_suppressed", "SUPPRESSED")

    def test_no_alarm_suppresses_itself(self) -> None:
        sensor = rtn_unack()
        sensor.suppressor = sensor.it.id
        assert sensor.reads(56).it.state == "ACTIVE"
        assert sensor.suppressed(cause=1).it.state == "ACTIVE"

    def test_a_raise_out_of_service_is_hidden(self) -> None:
        sensor = Sensor(H_HH, out_of_service=True).reads(75)
        assert (sensor.told, sensor.it.state, sensor.it.out_of_service) == (["alarm_suppressed"], "SUPPRESSED", True)

    def test_service_ends_last(self) -> None:
        sensor = suppressed().out()
        assert sensor.released().it.state == "SUPPRESSED"
        assert sensor.back().it.state == "ACTIVE"


class TestWithdrawal:
    """A sensor without limits has no alarm."""

    @pytest.mark.parametrize(
        ("state", "told"),
        [
            ("ACTIVE", ["alarm_cleared"]),
            ("ACKED", ["alarm_cleared"]),
            ("RTN_UNACK", ["alarm_cleared"]),
            ("SHELVED", ["alarm_unshelved", "alarm_cleared"]),
            ("SUPPRESSED", ["alarm_unsuppressed", "alarm_cleared"]),
            ("CLEARED", []),
        ],
    )
    def test_from_any_state(self, state: State, told: list[ChangeKind]) -> None:
        alarm = STATES[state]().it
        gone, kinds = lifecycle.withdraw(alarm, 56.0, NOW + HOUR)
        assert (gone.state, list(kinds)) == ("CLEARED", told)
        assert (gone.shelved_until, gone.suppressed_by, gone.ended) == (None, None, True)
        if state in ("RTN_UNACK", "CLEARED"):
            assert (gone.cleared, gone.value_at_clear) == (alarm.cleared, 50.0)
        else:
            assert (gone.cleared, gone.value_at_clear) == (NOW + HOUR, 56.0)


class TestEdge:
    """What a device annunciates by itself counts like one more limit."""

    @staticmethod
    def edge(priority: Priority) -> Standing:
        return Standing(EDGE, priority, None, None)

    def test_alone(self) -> None:
        sensor = Sensor(()).annunciates(self.edge("P1"))
        assert (sensor.it.limit, sensor.it.priority, sensor.it.threshold_value) == (EDGE, "P1", None)
        sensor.annunciates(self.edge("P0")).acked().annunciates(self.edge("P2")).annunciates(None)
        assert sensor.told == ["alarm_raised", "alarm_escalated", "alarm_acked", "alarm_deescalated", "alarm_cleared"]

    def test_beside_a_limit(self) -> None:
        sensor = active().annunciates(self.edge("P1")).reads(50)
        assert (sensor.told, sensor.it.limit) == (["alarm_raised", "alarm_escalated"], EDGE)
        assert sensor.annunciates(None).told[-1] == "alarm_rtn_unack"

    def test_of_equal_priority_the_limit_is_named(self) -> None:
        sensor = active().annunciates(self.edge("P2"))
        assert (sensor.told, sensor.it.limit) == (["alarm_raised"], "H")
        # The limit ends and the device's own stays: the same priority, nothing to tell.
        assert sensor.reads(50).told == ["alarm_raised"]
        assert (sensor.it.limit, sensor.it.transitions) == (EDGE, 1)


def test_standing_is_active_and_rtn_unack() -> None:
    assert {state for state, make in STATES.items() if make().it.standing} == {"ACTIVE", "RTN_UNACK"}
