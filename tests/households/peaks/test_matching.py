"""Which of what was found is which of what is stored."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wattline.households.peaks.detection import Found
from wattline.households.peaks.matching import matched
from wattline.households.peaks.model import Peak

END = 100


def spans(least: int = 0) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Spans one after the other, within [0, END)."""
    edges = st.lists(st.integers(least, END), unique=True, max_size=16).map(sorted)
    return edges.map(lambda found: list(zip(found[::2], found[1::2], strict=False)))


def found(start: int, end: int) -> Found:
    return Found(start, end, 2000.0, 150.0, 0.1, np.zeros(0, np.int64), np.zeros(0))


def stored(start: int, end: int) -> Peak:
    return Peak("t", f"p{start}", "u", "m", start, end, 2000.0, 150.0, 0.1)


@given(spans(), spans(), st.sets(st.integers(0, END)), st.integers(0, END), st.integers(0, END))
def test_every_stored_peak_is_found_or_joined_or_gone_or_left_alone(
    new: list[tuple[int, int]], old: list[tuple[int, int]], said: set[int], begin: int, until: int
) -> None:
    new = [span for span in new if span[0] >= begin]
    peaks = [stored(*span) for span in old]
    assigned = {f"p{start}" for start in said}
    result = matched([found(*span) for span in new], peaks, assigned, begin=begin, until=until, end=END)
    # Nothing that was found is lost, and no stored peak has two fates.
    assert [(match.found.start, match.found.end) for match in result.found] == new
    taken = [each for match in result.found for each in (*([match.known] if match.known else []), *match.others)]
    assert len({each.id for each in taken + result.gone}) == len(taken + result.gone)
    for match in result.found:
        mine = [*([match.known] if match.known else []), *match.others]
        assert all(each.start < match.found.end and each.end > match.found.start for each in mine)
        if any(each.id in assigned for each in match.others):
            assert match.known is not None
            assert match.known.id in assigned
    for each in result.gone:
        assert begin <= each.start
        assert each.end <= until
        assert each.id not in assigned
    # What stays as it is overlaps something that is another peak now, was assigned, or lies elsewhere.
    for each in peaks:
        if each not in taken + result.gone:
            assert each.id in assigned or each.start < begin or each.end > until


@given(spans(), spans())
def test_what_somebody_saw_more_of_is_left_to_who_sees_as_much(new: list[tuple[int, int]], old: list[tuple[int, int]]) -> None:
    end = 60
    seen = [found(a, min(b, end)) for a, b in new if a < end]
    result = matched(seen, [stored(*span) for span in old], (), begin=0, until=40, end=end)
    touched = [each for match in result.found for each in (match.known, *match.others) if each is not None]
    assert all(each.end <= end for each in touched + result.gone)
