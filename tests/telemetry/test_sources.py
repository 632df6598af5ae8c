"""Which tier serves which part of a range."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wattline.ingest.rollup import spans
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.telemetry.reader import sources
from wattline.telemetry.tiers import TIERS

instants = st.integers(0, 40 * DAY // SECOND).map(lambda n: n * SECOND)
widths = st.sampled_from([MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY])
BY_TABLE = {tier.table: tier for tier in TIERS}


@given(instants, instants, widths, instants)
def test_the_pieces_cover_the_range_once_and_no_tier_is_asked_for_what_it_does_not_hold(
    a: int, b: int, width: int, watermark: int
) -> None:
    start, end = min(a, b), max(a, b)
    watermark = watermark // MINUTE * MINUTE
    pieces = sorted(sources(start, end, width, watermark), key=lambda piece: piece[1])
    at = start
    for table, low, high in pieces:
        assert low == at
        assert low < high
        at = high
        if table != "readings":
            tier = BY_TABLE[table]
            assert low % tier.width == 0
            assert high % tier.width == 0
            assert high <= watermark // tier.width * tier.width
            assert width % tier.width == 0
    assert at == end


@given(instants, widths)
def test_a_closed_aligned_range_is_read_from_one_tier(start: int, width: int) -> None:
    start = start // width * width
    pieces = list(sources(start, start + 10 * width, width, start + 20 * max(width, DAY)))
    coarsest = max((tier for tier in TIERS if width % tier.width == 0), key=lambda tier: tier.width)
    assert (coarsest.table, -(-start // coarsest.width) * coarsest.width) in {(table, low) for table, low, _ in pieces}


@given(st.sets(st.tuples(st.integers(1, 4), st.integers(0, 60).map(lambda n: n * HOUR))), st.sampled_from([HOUR, DAY]))
def test_spans_hold_every_late_hour_and_group_neighbours(pairs: set[tuple[int, int]], unit: int) -> None:
    found = spans(pairs, unit)
    covered = {(sensor, at) for span in found for sensor in span.sensors for at in range(span.start, span.end, HOUR)}
    assert pairs <= covered
    asked = {(sensor, hour // unit) for sensor, hour in pairs}
    computed = sum(len(span.sensors) * (span.end - span.start) // unit for span in found)
    assert computed <= 2 * len(asked)
    for span in found:
        assert span.start % unit == span.end % unit == 0
        assert {at for _, at in asked} >= set(range(span.start // unit, span.end // unit))
    for one, two in pairwise(found):
        assert one.end <= two.start
        assert (one.end, one.sensors) != (two.start, two.sensors)
