"""Readings held against what is there, compared with a plain dictionary."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wattline.metering.fields import LAYOUT, NAMES, WIDTH
from wattline.metering.readings.merge import decided, held_row
from wattline.metering.readings.model import Draft
from wattline.metering.readings.notes import note_of
from wattline.model.record import Row
from wattline.registry.stream import Stream

USED = 3
"""Fields that are used: the others are as they are."""


def stream(number: int) -> Stream:
    return Stream(number, None, LAYOUT, ())  # type: ignore[arg-type]


STREAMS = [stream(1), stream(2)]


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    values: list[float | None] = [None] * WIDTH
    sent = draw(st.lists(st.one_of(st.none(), st.sampled_from([0.0, 1.0, -2.5])), min_size=USED, max_size=USED))
    values[:USED] = sent
    return Draft(
        1,
        draw(st.sampled_from(STREAMS)),
        draw(st.integers(1, 3)),
        False,
        tuple(values),
        draw(st.integers(0, 2)),
        draw(st.sampled_from([None, "open", "closed"])),
        draw(st.sampled_from([None, 1, 2])),
        draw(st.sampled_from([None, {"a": 1.0}, {"a": 2.0}, {"b": 1.0}])),
    )


def facts(draft: Draft) -> dict[Any, Any]:
    """What a reading says, one by one; its number says nothing about the meter."""
    found: dict[Any, Any] = {
        name: (value, draft.quality) for name, value in zip(NAMES, draft.values, strict=True) if value is not None
    }
    if draft.breaker_state is not None:
        found["breaker_state"] = draft.breaker_state
    return found | {("extra", name): value for name, value in (draft.extra or {}).items()}


def facts_of(row: Row) -> dict[Any, Any]:
    held = held_row(row)
    found: dict[Any, Any] = {
        name: (value, quality)
        for name, value, quality in zip(NAMES, held.values, held.quality, strict=True)
        if value is not None
    }
    if held.note.breaker_state is not None:
        found["breaker_state"] = held.note.breaker_state
    return found | {("extra", name): value for name, value in (held.note.extra or {}).items()}


@given(st.lists(drafts(), max_size=12), st.lists(drafts(), max_size=12))
def test_every_outcome_is_that_of_a_dictionary(first: list[Draft], second: list[Draft]) -> None:
    """In two bodies, the second of which finds what the first left."""
    model: dict[tuple[int, int], tuple[int, dict[Any, Any]]] = {}
    rows: dict[tuple[int, int], Row] = {}
    for body in (first, second):
        outcomes, made = decided(body, {place: held_row(row) for place, row in rows.items()}, 10)
        written = 0
        for draft, outcome in zip(body, outcomes, strict=True):
            place = draft.stream.id, draft.time
            revision, known = model.get(place, (0, {}))
            joined = known | facts(draft)
            expected = "stored" if revision == 0 else "duplicate" if joined == known else "replaced"
            if expected != "duplicate":
                revision += 1
                written += 1
            model[place] = revision, joined
            assert (outcome.status, outcome.revision) == (expected, revision)
            assert (outcome.stream, outcome.time) == place
        assert len(made) == written
        assert [row.time for row in made] == sorted(row.time for row in made)
        rows |= {(row.stream, row.time): row for row in made}
    for place, (revision, known) in model.items():
        assert facts_of(rows[place]) == known
        assert note_of(rows[place].status).revision == revision
