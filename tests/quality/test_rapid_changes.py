"""Rapid voltage changes: the vectors, and random traces against the definition, cut into pieces anyhow."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.changes_by_hand import changes
from tests.quality.thresholds import thresholds
from wattline.quality.config import Config
from wattline.quality.disturbance import PHASES, Disturbance
from wattline.quality.lane import Lane
from wattline.quality.row import body_of

STEP = 10_000
SECOND = 100
CALM = [1.0] * SECOND


def follow(
    rows: Sequence[float | Sequence[float]],
    config: Config | None = None,
    cuts: Sequence[int] = (),
    times: Sequence[int] | None = None,
    step: int = STEP,
) -> tuple[list[Disturbance], Lane]:
    """The events of voltages in per unit by half cycles, in the order they were told; between pieces all goes through its
    stored form. A number stands for three equal voltages."""
    pu = np.array([[row] * 3 if isinstance(row, float) else row for row in rows])
    at = np.array(times if times is not None else np.arange(len(pu)) * step, np.int64)
    lane, found = Lane(), []
    for start, stop in zip([0, *cuts], [*cuts, len(pu)], strict=True):
        lane = msgspec.json.decode(msgspec.json.encode(lane), type=Lane)
        if start < stop:
            found += lane.feed_rms(
                at[start:stop],
                230 * pu[start:stop],
                config or thresholds(),
                names=PHASES[: pu.shape[1]],
                method="half_cycle_rms",
                resolution=step,
            )
    return found, lane


def rapid(rows: Sequence[float | Sequence[float]], config: Config | None = None) -> list[Disturbance]:
    return [event for event in follow(rows, config)[0] if event.type == "rvc"]


def test_a_step_between_two_steady_voltages() -> None:
    (event,) = rapid([*CALM, 0.97, *[0.94] * 110])
    # The window of a cycle straddles the step: that value is not yet beyond the threshold, the next one is.
    assert (event.start, event.end) == (101 * STEP, 101 * STEP)
    body = body_of(event)
    assert (body["delta_u_max_pct"], body["delta_u_ss_pct"]) == (5.97, 5.97)
    assert (body["threshold"], body["hysteresis_pct"], body["standard"]) == (5.0, 2.5, "IEC 61000-4-30")
    assert body["per_phase"]["b"]["after_pu"] == 0.94
    assert (body["phases"], body["category"], body["residual_pu"]) == (["a", "b", "c"], None, None)


def test_a_change_that_swings_lasts_until_a_second_before_it_is_steady() -> None:
    (event,) = rapid([*CALM, *[0.92] * 30, *[0.96] * 200])
    assert (event.start, event.end) == (SECOND * STEP, (SECOND + 30 - 1) * STEP)
    body = body_of(event)
    assert (body["delta_u_max_pct"], body["delta_u_ss_pct"]) == (8.0, 4.0)
    assert body["duration_s"] == 0.29


def test_one_channel_is_enough_to_begin_and_all_must_be_steady_to_end() -> None:
    one = [[0.94, 1.0, 1.0]] * 40
    (event,) = rapid([*CALM, *one, *[[0.94, 1.06, 1.0]] * 150])
    assert (event.start, event.end) == (SECOND * STEP, (SECOND + 40 - 1) * STEP)
    assert event.phases == ["a", "b"]
    assert body_of(event)["per_phase"]["c"]["delta_u_max_pct"] == 0.0


@pytest.mark.parametrize("level", [0.89, 1.11, 0.05])
def test_what_is_a_dip_a_swell_or_an_interruption_is_no_rapid_change(level: float) -> None:
    rows = [*CALM, *[level] * 20, *[1.0] * 150, *[0.94] * 150]
    found, _ = follow(rows)
    assert [event.type for event in found if event.type != "rvc"] == [found[0].type]
    (event,) = [event for event in found if event.type == "rvc"]
    assert event.start == 270 * STEP


def test_a_dip_in_the_second_after_a_change_makes_it_none() -> None:
    assert rapid([*CALM, *[0.94] * 90, 0.89, *[0.94] * 150]) == []
    assert len(rapid([*CALM, *[0.94] * 101, 0.89, *[0.94] * 150])) == 1


def test_the_way_back_from_a_long_dip_is_no_rapid_change() -> None:
    assert rapid([*CALM, *[0.85] * 300, *[1.0] * 200]) == []


def test_nothing_is_told_while_a_change_lasts_and_nothing_of_a_slow_one() -> None:
    found, lane = follow([*CALM, *[0.94] * 60])
    assert found == []
    assert (lane.open, lane.idle) == ([], False)
    assert rapid(np.linspace(1.05, 0.95, 2_000).tolist()) == []
    assert rapid([*CALM, *[0.951] * 150, *CALM]) == []


def test_a_second_must_pass_before_anything_is_found() -> None:
    assert rapid([1.0] * 99 + [0.94] * 200) == []
    assert len(rapid([1.0] * 100 + [0.94] * 200)) == 1
    # That second must be steady by the hysteresis too.
    assert follow([0.96] * 10 + [1.0] * 90 + [0.94] * 200, cuts=[100])[0] == []


def test_a_gap_and_a_channel_that_goes_begin_anew() -> None:
    rows = [*CALM, *[0.94] * 200]
    gap = [*range(0, SECOND * STEP, STEP), *range((SECOND + 1) * STEP, 301 * STEP, STEP)]
    assert follow(rows, times=gap)[0] == []
    nan = float("nan")
    assert rapid([*CALM, [0.94, 0.94, nan], *[0.94] * 200]) == []
    assert len(rapid([[1.0, nan, nan]] * SECOND + [[0.94, nan, nan]] * 200)) == 1


def test_it_can_be_off_and_an_interval_tells_nothing() -> None:
    rows = [*CALM, *[0.94] * 200]
    assert rapid(rows, thresholds(rvc_threshold_pct=None)) == []
    assert len(rapid(rows, thresholds(rvc_threshold_pct=3))) == 1
    assert rapid(rows, thresholds(rvc_threshold_pct=6)) == []
    for step in (1_000, 1_000_000):
        assert follow(rows, step=step)[0] == []
    volts = np.full((300, 3), 230.0)
    volts[150:] *= 0.94
    times = np.arange(300, dtype=np.int64) * STEP
    assert Lane().feed_rms(times, volts, thresholds(), names=PHASES, method="interval_rms", resolution=None) == []


def test_a_change_keeps_the_threshold_that_it_began_with() -> None:
    lane, volts = Lane(), np.array([[1.0] * 3] * 100 + [[0.96] * 3] * 280) * 230
    times = np.arange(380, dtype=np.int64) * STEP

    def feed(start: int, stop: int, percent: float) -> list[Disturbance]:
        return lane.feed_rms(
            times[start:stop],
            volts[start:stop],
            thresholds(rvc_threshold_pct=percent),
            names=PHASES,
            method="half_cycle_rms",
            resolution=STEP,
        )

    assert feed(0, 120, 3) == []
    # Steady by the new threshold, not by its own.
    volts[120:270:2] = 0.92 * 230
    assert feed(120, 270, 6) == []
    (event,) = feed(270, 380, 6)
    assert body_of(event)["threshold"] == 3


def test_another_channel_begins_anew_and_two_seconds_between_gaps_are_enough() -> None:
    lane = Lane()
    for names, first, level in ((("a",), 0, 1.0), (("b",), 200, 0.94)):
        times, volts = (first + np.arange(200, dtype=np.int64)) * STEP, np.full((200, 1), 230 * level)
        assert lane.feed_rms(times, volts, thresholds(), names=names, method="half_cycle_rms", resolution=STEP) == []
    rows = [1.0, *CALM, *[0.94] * 100, 0.94]
    times = [0, *((2 + place) * STEP for place in range(200)), 300 * STEP]
    (event,) = follow(rows, times=times)[0]
    assert event.start == 102 * STEP


def test_60_hz_has_120_values_in_a_second() -> None:
    config = thresholds(hertz=60)
    assert follow([1.0] * 119 + [0.94] * 200, config, step=8_333)[0] == []
    (event,) = follow([1.0] * 120 + [0.94] * 200, config, step=8_333)[0]
    assert event.end == event.start


LEVELS = (0.89, 0.9, 0.925, 0.94, 0.95, 0.951, 0.96, 0.975, 0.99, 1.0, 1.01, 1.025, 1.04, 1.05, 1.06, 1.11, float("nan"))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 3), st.sampled_from([1.0, 2.5, 5.0]))
def test_random_traces_give_what_the_definition_gives_however_they_are_cut(
    data: st.DataObject, channels: int, percent: float
) -> None:
    level = st.sampled_from(LEVELS)
    alike = level.map(lambda value: [value] * channels)
    runs = data.draw(
        st.lists(
            st.tuples(
                alike | alike | st.lists(level, min_size=channels, max_size=channels),
                st.sampled_from([1, 2, 30, 50, 99, 100, 101, 130, 130, 130]),
                st.sampled_from([1] * 20 + [2, 5]),
                st.booleans(),
            ),
            min_size=3,
            max_size=9,
        )
    )
    rows, times, time = [], [], 0
    wiggle = [0.0, 0.003, -0.002, 0.001]
    for levels, length, step, noisy in runs:
        for place in range(length):
            time += STEP * (step if place == 0 else 1)
            rows.append([value + (wiggle[(place + number) % 4] if noisy else 0) for number, value in enumerate(levels)])
            times.append(time)
    kept = [place for place, row in enumerate(rows) if not np.isnan(row).all()]
    rows, times = [rows[place] for place in kept], [times[place] for place in kept]
    if not rows:
        return
    config = thresholds(rvc_threshold_pct=percent)
    whole, lane = follow(rows, config, times=times)
    others = [event for event in (*whole, lane.rms.under, lane.rms.over) if event is not None and event.type != "rvc"]
    spans = [(event.start, event.end) for event in others if not event.tail]
    expected = changes(list(zip(times, rows, strict=True)), percent / 100, SECOND, STEP, spans)

    def shown(events: Sequence[Disturbance]) -> list[tuple[int, int | None, float, float]]:
        rapid = [(event, body_of(event)) for event in events if event.type == "rvc"]
        return [(e.start, e.end, round(b["delta_u_max_pct"] / 100, 6), round(b["delta_u_ss_pct"] / 100, 6)) for e, b in rapid]

    assert shown(whole) == expected
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=6)))
    assert shown(follow(rows, config, cuts, times)[0]) == shown(whole)
