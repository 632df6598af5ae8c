"""What becomes of a reading that is held against what is there at its time.

A gateway may send the power and the energy of one second in two messages: what a reading does not name stays as it is. What it
names, and has another value or quality, takes the place of what was there. The sender's own number (`seq`) replaces nothing by
itself, so that the first of two messages, sent once more, is a duplicate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from wattline.metering.fields import WIDTH
from wattline.metering.readings.model import Draft, Outcome, Place, Status
from wattline.metering.readings.notes import Note, first_status, note_of, status_of
from wattline.model.record import Fate, Mark, Row

NO_ID = bytes(16)


@dataclass(frozen=True, slots=True)
class Held:
    """What is there at a time: values and qualities by column, the note, and when it was first made (us)."""

    values: tuple[float | None, ...]
    quality: tuple[int, ...]
    note: Note
    created: int


def held_row(row: Row) -> Held:
    """A row of a stream as what is there."""
    quality = row.quality if isinstance(row.quality, tuple) else (row.quality,) * WIDTH
    return Held(row.values, quality, note_of(row.status), row.received if row.mark is None else row.mark.created)


def first(draft: Draft, time: int, received: int) -> Row:
    """The row of a reading at a time at which there is nothing."""
    status = first_status(draft.breaker_state, draft.seq, draft.extra)
    return Row(draft.stream.id, time, received, draft.values, draft.quality, status)


def against(draft: Draft, held: Held, received: int) -> tuple[Status, int, Row | None]:
    """What a reading is beside what is held, the revision that there is then, and its row, None for a duplicate."""
    values, quality = list(held.values), [0 if v is None else q for v, q in zip(held.values, held.quality, strict=True)]
    changed = False
    for column, value in enumerate(draft.values):
        if value is not None and (value != values[column] or quality[column] != draft.quality):
            values[column], quality[column], changed = value, draft.quality, True
    note = held.note
    breaker_state = note.breaker_state if draft.breaker_state is None else draft.breaker_state
    extra = _joined(note.extra, draft.extra)
    if not changed and breaker_state == note.breaker_state and extra == note.extra:
        return "duplicate", note.revision, None
    revision = note.revision + 1
    newer = Note(revision, breaker_state, note.seq if draft.seq is None else draft.seq, extra)
    # A mark, so that a row whose numbers are the same is written all the same.
    mark = Mark(NO_ID, held.created, Fate.EDITED)
    row = Row(draft.stream.id, draft.time, received, tuple(values), tuple(quality), status_of(newer), mark=mark)
    return "replaced", revision, row


def decided(drafts: Sequence[Draft], held: dict[Place, Held], received: int) -> tuple[list[Outcome], list[Row]]:
    """What becomes of readings, one after another, and their rows in the order of time. `held` is brought up to date."""
    outcomes: list[Outcome] = []
    rows: list[Row] = []
    for each in drafts:
        draft = each
        while draft.stamped and (draft.stream.id, draft.time) in held:
            draft = msgspec.structs.replace(draft, time=draft.time + 1)
        place = draft.stream.id, draft.time
        known = held.get(place)
        status: Status = "stored"
        revision = 1
        row: Row | None
        if known is None:
            row = first(draft, draft.time, received)
        else:
            status, revision, row = against(draft, known, received)
        if row is not None:
            rows.append(row)
            held[place] = held_row(row)
        outcomes.append(Outcome(status, draft.meter_id, *place, revision, draft.ignored))
    # Those that are new stay in the order in which their stream takes them without a look-up.
    rows.sort(key=lambda row: row.time)
    return outcomes, rows


def _joined(held: Mapping[str, float] | None, sent: Mapping[str, Any] | None) -> Mapping[str, float] | None:
    if sent is None:
        return held
    return dict(sent) if held is None else {**held, **sent}
