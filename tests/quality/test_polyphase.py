"""Dips, swells and interruptions: the vectors, and random traces against the definition, cut into pieces anyhow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.dips_by_hand import ByHand
from tests.quality.thresholds import thresholds
from wattline.quality.config import Config
from wattline.quality.disturbance import PHASES, Disturbance
from wattline.quality.rms_detector import RmsDetector, RmsState

STEP = 10_000
LEVELS = (0.0, 0.05, 0.1, 0.11, 0.12, 0.5, 0.89, 0.9, 0.91, 0.92, 0.93, 1.0, 1.07, 1.08, 1.09, 1.1, 1.11, 1.5, float("nan"))


def follow(
    traces: Sequence[Sequence[float]], config: Config, cuts: Sequence[int] = (), step: int = STEP, begin: int = 0
) -> list[Disturbance]:
    """The events of voltages (V) by half cycles, fed in pieces; the state goes through its stored form between them."""
    volts = np.array(traces, float)
    volts = volts.reshape(-1, volts.shape[-1] if volts.ndim > 1 else 1)
    times = begin + np.arange(len(volts), dtype=np.int64) * step
    state, found = RmsState(), {}
    for start, stop in zip([0, *cuts], [*cuts, len(volts)], strict=True):
        state = msgspec.json.decode(msgspec.json.encode(state), type=RmsState)
        if start < stop:
            told = RmsDetector(state).feed(
                times[start:stop],
                volts[start:stop],
                config,
                names=PHASES[: volts.shape[1]],
                method="half_cycle_rms",
                resolution=step,
            )
            for event in told:
                found[event.start, event.type in ("swell", "overvoltage")] = msgspec.json.decode(
                    msgspec.json.encode(event), type=Disturbance
                )
            for event in (state.under, state.over):
                if event is not None and not event.tail:
                    found[event.start, event is state.over] = event
    return [found[place] for place in sorted(found)]


def result(events: Sequence[Disturbance]) -> list[tuple[object, ...]]:
    rows = [(e.start, e.type, e.end, tuple(e.contains), e.least, e.most) for e in events]
    return sorted(rows, key=lambda row: (row[0], row[1]))


def flat(levels: Sequence[float], channels: int = 3) -> list[list[float]]:
    return [[230 * level] * channels for level in levels]


def test_a_dip_begins_at_any_channel_and_ends_at_all() -> None:
    trace = [[230, 230, 230], [200, 230, 230], [230, 100, 230], [230, 209, 230], [230, 212, 230], [230, 230, 230]]
    (event,) = follow(trace, thresholds())
    assert (event.type, event.start, event.end) == ("sag", STEP, 4 * STEP)
    assert event.least == pytest.approx(100 / 230, abs=1e-9)
    assert event.phases == ["a", "b"]


def test_an_interruption_begins_at_all_channels_and_ends_at_any() -> None:
    one_alive = [[230] * 3, [10, 10, 230], [10, 10, 230], [230] * 3]
    assert [e.type for e in follow(one_alive, thresholds())] == ["sag"]
    dark = [[230] * 3, [10] * 3, [10] * 3, [10, 10, 230], [230] * 3]
    (event,) = follow(dark, thresholds())
    assert (event.type, event.start, event.end, event.contains) == ("interruption", STEP, 3 * STEP, [])


def test_an_interruption_swallows_the_dip_in_progress() -> None:
    (event,) = follow(flat([1, 0.6, 0.6, 0.05, 0.05, 0.05, 0.6, 1, 1]), thresholds())
    assert (event.type, event.contains) == ("interruption", ["sag"])
    assert (event.start, event.dark_start, event.end) == (STEP, 3 * STEP, 6 * STEP)


def test_a_dip_that_outlasts_an_interruption_is_an_event_of_its_own() -> None:
    first, second = follow(flat([1, 0.05, 0.05, 0.6, 0.6, 0.6, 0.6, 1]), thresholds())
    assert (first.type, first.end, second.type, second.start, second.end) == (
        "interruption",
        3 * STEP,
        "sag",
        3 * STEP,
        7 * STEP,
    )


def test_nothing_opens_or_ends_inside_the_hysteresis_band() -> None:
    assert follow(flat([1, 0.905, 0.915, 0.9, 1.1, 1.085, 1]), thresholds()) == []
    (event,) = follow(flat([1, 0.89, 0.905, 0.89, 0.915, 0.919, 0.92]), thresholds())
    assert event.end == 6 * STEP


def test_an_exact_threshold_is_no_event_whatever_floats_make_of_it() -> None:
    assert follow([[253.0, 207.0, 230.0]] * 3, thresholds()) == []
    assert len(follow([[253.0001, 230, 230]], thresholds())) == 1


def test_a_long_dip_is_an_undervoltage_and_a_long_swell_an_overvoltage() -> None:
    long = [1, *[0.85] * 130, 1]
    (event,) = follow(flat(long), thresholds(), step=500_000)
    assert (event.type, event.contains) == ("undervoltage", ["sag"])
    (event,) = follow(flat([1, *[1.15] * 130, 1]), thresholds(), step=500_000)
    assert (event.type, event.contains) == ("overvoltage", ["swell"])


def test_an_event_keeps_the_thresholds_that_it_began_with() -> None:
    state = RmsState()
    detector = RmsDetector(state)
    times = np.arange(3, dtype=np.int64) * STEP

    def feed(first: int, levels: Sequence[float], config: Config) -> list[Disturbance]:
        return detector.feed(
            times + first * STEP, np.array(flat(levels)), config, names=PHASES, method="half_cycle_rms", resolution=STEP
        )

    (event,) = feed(0, [1, 0.89, 0.89], thresholds())
    stricter = thresholds(sag_v_threshold=0.8)
    assert feed(3, [0.91, 0.91, 0.91], stricter) == []
    (ended,) = feed(6, [0.92, 0.85, 0.85], stricter)
    assert ended is event
    assert (ended.end, ended.config.sag) == (6 * STEP, 0.9)


def test_an_open_event_is_judged_by_its_own_reference_and_the_next_by_the_new_one() -> None:
    detector = RmsDetector(RmsState())

    def feed(first: int, volts: Sequence[float], config: Config) -> list[Disturbance]:
        times = np.arange(first, first + len(volts), dtype=np.int64) * STEP
        return detector.feed(times, np.array([volts]).T, config, names=("a",), method="half_cycle_rms", resolution=STEP)

    feed(0, [230, 190], thresholds())
    first, second = feed(2, [212, 212, 200, 216], thresholds(nominal_voltage=240))
    assert (first.end, first.least) == (2 * STEP, pytest.approx(190 / 230, abs=1e-9))
    assert (second.start, second.reference) == (2 * STEP, [240.0])


def test_a_sliding_reference_follows_slowly_and_stands_still_in_a_dip() -> None:
    config = thresholds(reference="sliding", interruption_threshold=0.05)
    state = RmsState()
    minutes = 5 * 60 * 100
    volts = np.full((minutes, 1), 210.0)
    times = np.arange(minutes, dtype=np.int64) * STEP
    RmsDetector(state).feed(times, volts, config, names=("a",), method="half_cycle_rms", resolution=STEP)
    assert state.reference[0] == pytest.approx(210 + 20 * 0.9967 ** (minutes / 20), rel=1e-6)
    before = list(state.reference)
    dip = np.full((6000, 1), 150.0)
    (event,) = RmsDetector(state).feed(
        times[-1] + STEP + np.arange(6000, dtype=np.int64) * STEP,
        dip,
        config,
        names=("a",),
        method="half_cycle_rms",
        resolution=STEP,
    )
    assert event.reference == before == state.reference


traces = st.integers(1, 3).flatmap(
    lambda channels: st.lists(
        st.tuples(st.lists(st.sampled_from(LEVELS), min_size=channels, max_size=channels), st.integers(1, 4)),
        min_size=1,
        max_size=25,
    )
)


@settings(max_examples=250, deadline=None)
@given(traces, st.data(), st.sampled_from([5_000, STEP, 20_000, 1_000_000, 20_000_000]))
def test_random_traces_give_what_the_definition_gives_however_they_are_cut(
    runs: list[tuple[list[float], int]], data: st.DataObject, step: int
) -> None:
    trace = [[230 * level for level in levels] for levels, times in runs for _ in range(times)]
    trace = [row for row in trace if not np.isnan(row).all()]
    if not trace:
        return
    config = thresholds()
    by_hand = ByHand(config, step)
    for place, row in enumerate(trace):
        by_hand.take(place * step, row)
    whole = follow(trace, config, step=step)
    assert result(whole) == by_hand.result()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(trace)), max_size=6)))
    assert result(follow(trace, config, cuts, step)) == result(whole)
    for kinds in (("sag", "undervoltage", "interruption"), ("swell", "overvoltage")):
        mine = [e for e in whole if e.type in kinds]
        for one, other in pairwise(mine):
            assert one.end is not None
            assert one.end <= other.start
    assert all(e.end is None or e.end > e.start for e in whole)
