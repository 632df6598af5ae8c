"""Means over a window, and events of THD, imbalance and frequency, against their definitions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.thresholds import thresholds
from wattline.quality import levels
from wattline.quality.config import Config
from wattline.quality.disturbance import Disturbance
from wattline.quality.window_means import PARTS, WindowState, means

WINDOW = 600


def by_hand(times: Sequence[int], values: Sequence[float], window: int, fewest: int) -> list[float]:
    tenth = max(1, window // PARTS)
    found = []
    for now in times:
        inside = [
            v
            for t, v in zip(times, values, strict=True)
            if t <= now and now // tenth - (PARTS - 1) <= t // tenth and not np.isnan(v)
        ]
        found.append(sum(inside) / len(inside) if len(inside) >= fewest else float("nan"))
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0.0, 1.0, 4.5, 7.0, float("nan")])), min_size=1, max_size=60),
    st.integers(1, 4),
    st.data(),
)
def test_means_are_those_of_their_window_however_the_samples_are_cut(
    steps: list[tuple[int, float]], fewest: int, data: st.DataObject
) -> None:
    times = np.cumsum([step for step, _ in steps]).astype(np.int64)
    values = np.array([value for _, value in steps])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(times)), max_size=5)))
    state, found = WindowState(), []
    for start, stop in zip([0, *cuts], [*cuts, len(times)], strict=True):
        if start < stop:
            found += means(state, times[start:stop], values[start:stop, None], WINDOW, fewest)[:, 0].tolist()
            state = msgspec.json.decode(msgspec.json.encode(state), type=WindowState)
    np.testing.assert_allclose(found, by_hand(times.tolist(), values.tolist(), WINDOW, fewest), atol=1e-9)
    assert len(state.parts) <= PARTS


def level_by_hand(kind: str, values: Sequence[Sequence[float]], config: Config) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    start = None
    for time, row in enumerate(values):
        known = [round(v, 9) for v in row if not np.isnan(v)]
        if not known:
            continue
        if kind == "frequency":
            over = any(v < 49.5 or v > 50.5 for v in known)
            back = all(49.55 <= v <= 50.45 for v in known)
        else:
            over, back = any(v > config.thd for v in known), all(v < round(0.95 * config.thd, 9) for v in known)
        if start is None and over:
            start = time
        elif start is not None and back:
            found.append((start, time))
            start = None
    return found + ([] if start is None else [(start, None)])


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(["thd", "frequency"]))
def test_a_level_begins_beyond_its_limit_and_ends_on_the_way_back(data: st.DataObject, kind: str) -> None:
    some = {
        "thd": [1.0, 4.74, 4.75, 4.76, 5.0, 5.01, 9.0, float("nan")],
        "frequency": [49.0, 49.49, 49.5, 49.54, 49.55, 50.0, 50.45, 50.46, 50.5, 50.51, float("nan")],
    }[kind]
    channels = data.draw(st.integers(1, 3))
    values = data.draw(st.lists(st.lists(st.sampled_from(some), min_size=channels, max_size=channels), min_size=1, max_size=40))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=5)))
    config = thresholds()
    event, found = None, {}
    for start, stop in zip([0, *cuts], [*cuts, len(values)], strict=True):
        if start == stop:
            continue
        times = np.arange(start, stop, dtype=np.int64)

        def begin(place: int, offset: int = start) -> Disturbance:
            at = offset + place
            return Disturbance("thd", at, at, "interval_rms", 1, config, ("a", "b", "c")[:channels])

        event, told = levels.follow(kind, event, times, np.array(values[start:stop]), config, begin)
        for each in (*told, *([event] if event else [])):
            found[each.start] = each.end
    assert sorted(found.items()) == level_by_hand(kind, values, config)


def test_thd_ends_below_95_percent_of_its_limit() -> None:
    config = thresholds(thd_pct_threshold=8)
    values = np.array([[8.0], [8.1], [7.7], [7.6], [7.59]])

    def begin(place: int) -> Disturbance:
        return Disturbance("thd", place, place, "interval_rms", 1, config, ("a",))

    event, told = levels.follow("thd", None, np.arange(5, dtype=np.int64), values, config, begin)
    assert event is None
    assert [(each.start, each.end, each.most) for each in told] == [(1, 4, pytest.approx(8.1))]
