"""Limits from thresholds and from point schedules, and back; what cannot be meant is refused in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wattline.alarms.condition import returned
from wattline.alarms.consistency import MOST_LIMITS, check
from wattline.alarms.limits import from_schedule, from_thresholds, to_thresholds
from wattline.alarms.model import EDGE, Limit, Priority
from wattline.model.clock import SECOND
from wattline.model.errors import Invalid


def one(entry: dict[str, Any], *, level: str = "H", range_span: float | None = None, boolean: bool = False) -> Limit:
    (limit,) = from_thresholds({level: entry}, range_span=range_span, boolean=boolean)
    return limit


def test_the_published_form() -> None:
    limits = from_thresholds(
        {
            "L": {"value": 10},
            "H": {"value": 55, "priority": "P2", "delay_s": 30, "off_delay_s": 2.5},
            "HH": {"value": 60.0, "priority": "P0", "deadband": 3},
            "LL": {"value": 5, "priority": "P1", "deadband_pct": 10},
        },
        range_span=None,
    )
    assert limits == (
        Limit("HH", "HIGH", 60.0, "P0", deadband=3.0),
        Limit("H", "HIGH", 55.0, "P2", 30 * SECOND, 2_500_000, pytest.approx(1.1)),
        Limit("L", "LOW", 10.0, "P2", deadband=0.2),
        Limit("LL", "LOW", 5.0, "P1", deadband=0.5),
    )


@pytest.mark.parametrize(
    ("value", "span", "expected"),
    [(55.0, None, 1.1), (55.0, 100.0, 1.1), (55.0, 200.0, 2.0), (0.0, 80.0, 0.8), (-40.0, None, 0.8), (0.0, None, 0.0)],
)
def test_the_default_deadband(value: float, span: float | None, expected: float) -> None:
    assert one({"value": value}, range_span=span).deadband == pytest.approx(expected)
    assert one({"value": value}, level="L", range_span=span).deadband == pytest.approx(expected)


def test_the_usual_limit_of_55_clears_under_53_9() -> None:
    limit = one({"value": 55})
    assert (returned(limit, 53.95), returned(limit, 53.85)) == (False, True)


def test_default_deadbands_leave_half_of_a_narrow_normal_band() -> None:
    # 2 % of 60 Hz would be more than the whole band: an alarm would never end.
    limits = from_thresholds({"H": {"value": 60.5}, "L": {"value": 59.5}, "LL": {"value": 58.0}}, range_span=10.0)
    assert [limit.deadband for limit in limits] == [0.25, 0.1 * 2.5, 0.25]
    assert all(returned(limit, 60.0) for limit in limits)


@pytest.mark.parametrize("span", [math.nan, math.inf, -5.0, 0.0])
def test_a_range_that_is_none_is_left_out(span: float) -> None:
    assert one({"value": 50}, range_span=span).deadband == 1.0


def test_a_boolean_sensor_is_in_alarm_at_the_limit() -> None:
    assert one({"value": 1, "priority": "P0", "deadband": 0.5}, boolean=True, range_span=1.0) == Limit(
        "H", "HIGH", 1.0, "P0", inclusive=True
    )
    assert one({"value": True}, boolean=True).value == 1.0


def test_a_level_that_is_null_is_not_set() -> None:
    assert from_thresholds({"HH": None, "H": {"value": 1}, "LL": None}, range_span=None)[0].name == "H"
    assert from_thresholds({}, range_span=None) == ()


REFUSED: list[tuple[Any, str]] = [
    ([1], "must be an object"),
    ({"HHH": {"value": 1}}, "unknown alarm level 'HHH'"),
    ({"EDGE": {"value": 1}}, "unknown alarm level"),
    ({3: {"value": 1}}, "unknown alarm level"),
    ({"H": 55}, "H must be an object with a value"),
    ({"H": {}}, "H has no value"),
    ({"H": {"value": None}}, "H has no value"),
    ({"H": {"value": "55"}}, "value of alarm level H must be a finite number"),
    ({"H": {"value": True}}, "value of alarm level H must be a finite number"),
    ({"H": {"value": math.nan}}, "finite"),
    ({"H": {"value": math.inf}}, "finite"),
    ({"H": {"value": 10**400}}, "finite"),
    ({"H": {"value": 1, "priority": "P4"}}, "unknown priority"),
    ({"H": {"value": 1, "priority": ["P1"]}}, "unknown priority"),
    ({"H": {"value": 1, "delay_s": -1}}, "delay_s of alarm level H must be from 0 to 86400 seconds"),
    ({"H": {"value": 1, "delay_s": 86_401}}, "delay_s"),
    ({"H": {"value": 1, "delay_s": "5"}}, "delay_s of alarm level H must be a finite number"),
    ({"H": {"value": 1, "off_delay_s": math.nan}}, "off_delay_s"),
    ({"H": {"value": 1, "deadband": -0.1}}, "must not be negative"),
    ({"H": {"value": 1, "deadband_pct": -5}}, "must not be negative"),
    ({"H": {"value": 1e308, "deadband_pct": 1e308}}, "must not be negative"),
    ({"H": {"value": 1, "deadband": 1, "deadband_pct": 1}}, "both deadband and deadband_pct"),
    ({"H": {"value": 1, "dead_band": 1}}, "unknown key 'dead_band'"),
    ({"H": {"value": 1, 5: 1}}, "unknown key '5'"),
    ({"H": {"value": 60}, "HH": {"value": 60}}, r"HH \(60\) must lie above H \(60\)"),
    ({"LL": {"value": 6}, "L": {"value": 5}}, r"LL \(6\) must lie below L \(5\)"),
    ({"L": {"value": 60}, "H": {"value": 55}}, "must lie below the high ones"),
    ({"LL": {"value": 60}, "HH": {"value": 60}}, "must lie below the high ones"),
    ({"H": {"value": 20, "deadband": 5}, "L": {"value": 15}}, "reaches beyond the limit on the other side"),
    ({"H": {"value": 20}, "LL": {"value": 15, "deadband": 5}}, "reaches beyond the limit on the other side"),
    ({"P0_high": {"value": 20, "priority": "P1"}}, "cannot have the priority P1"),
]


@pytest.mark.parametrize(("thresholds", "reason"), REFUSED, ids=[repr(each)[:60] for each, _ in REFUSED])
def test_thresholds_that_cannot_be_meant(thresholds: Any, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as caught:
        from_thresholds(thresholds, range_span=100.0)
    assert caught.value.field == "alarm_thresholds"


@pytest.mark.parametrize(
    "thresholds",
    [
        {"H": {"value": 0}},
        {"H": {"value": 2}},
        {"L": {"value": 1}},
        {"L": {"value": -1}},
        {"H": {"value": 1}, "L": {"value": 0}},
    ],
)
def test_a_boolean_limit_that_holds_always_or_never(thresholds: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        from_thresholds(thresholds, range_span=None, boolean=True)


class TestSchedule:
    """Point schedules have a low and a high limit a priority."""

    def test_pairs(self) -> None:
        limits = from_schedule({"P1": (None, 65.0), "P0": (5.0, 70.0), "P3": (None, None)}, range_span=None)
        assert [(limit.name, limit.direction, limit.value, limit.priority) for limit in limits] == [
            ("P0_high", "HIGH", 70.0, "P0"),
            ("P0_low", "LOW", 5.0, "P0"),
            ("P1_high", "HIGH", 65.0, "P1"),
        ]

    def test_a_leak_detector_trips(self) -> None:
        (limit,) = from_schedule({"P0": (None, 1.0)}, range_span=1.0, boolean=True)
        assert limit == Limit("P0_high", "HIGH", 1.0, "P0", inclusive=True)

    @pytest.mark.parametrize(
        ("pairs", "reason"),
        [
            ({"P3": (460.0, 420.0)}, "must lie below the high ones"),
            ({"P1": (None, 60.0), "P2": (None, 65.0)}, r"P1_high \(60\) must lie above P2_high \(65\)"),
            ({"P1": (62.0, None), "P3": (61.0, None)}, r"P1_low \(62\) must lie below P3_low \(61\)"),
            ({"P0": (math.nan, None)}, "finite"),
            ({"P7": (1.0, None)}, "unknown alarm level"),
        ],
    )
    def test_what_cannot_be_meant(self, pairs: dict[Priority, tuple[float | None, float | None]], reason: str) -> None:
        with pytest.raises(Invalid, match=reason):
            from_schedule(pairs, range_span=None)


class TestBack:
    """What is told of limits is what they can be set to."""

    def test_only_what_is_not_usual_is_added(self) -> None:
        thresholds = {"H": {"value": 55.0, "priority": "P1", "delay_s": 30}}
        assert to_thresholds(from_thresholds(thresholds, range_span=None)) == thresholds
        thresholds["H"] |= {"delay_s": 0.5, "off_delay_s": 60, "deadband": 0.5}
        assert to_thresholds(from_thresholds(thresholds, range_span=None)) == thresholds

    def test_a_boolean_sensor_has_no_deadband_to_tell(self) -> None:
        thresholds = {"H": {"value": 1.0, "priority": "P0", "delay_s": 0}}
        assert to_thresholds(from_thresholds(thresholds, range_span=1.0, boolean=True), range_span=1.0) == thresholds

    def test_what_a_device_watches_is_left_out(self) -> None:
        assert to_thresholds([Limit(EDGE, "HIGH", 5.0, "P1")]) == {}

    @given(
        st.dictionaries(
            st.sampled_from(["HH", "H", "L", "LL", "P0_high", "P1_high", "P3_low"]),
            st.fixed_dictionaries(
                {"value": st.floats(-100, 100)},
                optional={
                    "priority": st.sampled_from(["P0", "P1", "P2", "P3"]),
                    "delay_s": st.floats(0, 86_400),
                    "off_delay_s": st.floats(0, 86_400),
                    "deadband": st.floats(0, 10),
                },
            ),
        ),
        st.none() | st.floats(0, 1e6),
        st.booleans(),
    )
    def test_there_and_back_is_the_same(self, thresholds: dict[str, Any], span: float | None, boolean: bool) -> None:
        try:
            limits = from_thresholds(thresholds, range_span=span, boolean=boolean)
        except Invalid:
            assume(False)
        again = from_thresholds(to_thresholds(limits, range_span=span), range_span=span, boolean=boolean)
        assert again == limits
        # Whatever is accepted can end: the middle of the normal band is past every deadband.
        highs = [limit.value for limit in limits if limit.direction == "HIGH"]
        lows = [limit.value for limit in limits if limit.direction == "LOW"]
        assert not highs or not lows or max(lows) < min(highs)


class TestCheck:
    """Limits made by other means are held to the same."""

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            ([Limit("H", "HIGH", 1.0, "P2"), Limit("H", "HIGH", 2.0, "P2")], "given twice"),
            ([Limit(f"X{n}", "HIGH", 1.0 + n, "P2") for n in range(MOST_LIMITS + 1)], "at most 16"),
            ([Limit("", "HIGH", 1.0, "P2")], "1 to 32 characters"),
            ([Limit("H" * 33, "HIGH", 1.0, "P2")], "1 to 32 characters"),
            ([Limit("H", "UP", 1.0, "P2")], "unknown direction"),  # type: ignore[arg-type]
            ([Limit("H", "HIGH", 1.0, "P9")], "unknown direction or priority"),  # type: ignore[arg-type]
            ([Limit("H", "HIGH", math.nan, "P2")], "finite"),
            ([Limit("H", "HIGH", 1.0, "P2", on_delay=-1)], "delay"),
            ([Limit("H", "HIGH", 1.0, "P2", off_delay=86_400 * SECOND + 1)], "delay"),
            ([Limit("H", "HIGH", 1.0, "P2", deadband=math.nan)], "deadband"),
        ],
    )
    def test_refused(self, limits: list[Limit], reason: str) -> None:
        with pytest.raises(Invalid, match=reason):
            check(limits)

    def test_accepted(self) -> None:
        check([Limit(f"X{n}", "HIGH", 1.0 + n, "P2") for n in range(MOST_LIMITS)])
        check([])
