"""From rows to alarms: the samples of sensors with limits, judged as columns; what comes of it, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattline.alarms.book import Book
from wattline.alarms.columns import Changed, Floats, Ints
from wattline.alarms.draft import Draft
from wattline.alarms.evaluation import judge
from wattline.alarms.model import Condition, Sample
from wattline.model.record import NEVER, Quality, Row


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples in the order of the rows, as columns."""

    index: Ints
    time: Ints
    value: Floats
    quality: Ints


def sift(draft: Draft, rows: Sequence[Row]) -> None:
    """Evaluate every sample of a sensor with limits. Until it is committed, `draft.undo` brings the columns back."""
    book = draft.book
    samples = _samples(book, rows)
    if samples is None:
        return
    columns = book.columns
    through, value = columns.through[samples.index], columns.value[samples.index]
    changed = columns.evaluate(samples.index, samples.time, samples.value, samples.quality)
    moved = [*changed.changes, *(changed.pending - changed.changes.keys())]
    if not moved:
        return
    places = _places(samples, moved)

    def undo() -> None:
        for index in moved:
            before = book.stored(book.sensors[index])
            if before is not None:
                first = places[index][0]
                known = before.condition
                newest = None if np.isnan(value[first]) else float(value[first])
                columns.put(index, before.limits, Condition(known.active, known.pending, int(through[first]), newest))

    draft.undo = undo
    for index, condition, sample in _in_order(samples, changed, places):
        judge(draft, replace(draft.watch(book.sensors[index]), condition=condition), sample)
    for index in moved:
        # What was judged is stored with everything that came after it.
        draft.put(replace(draft.watch(book.sensors[index]), condition=columns.condition(index)), decided=False)


def _samples(book: Book, rows: Iterable[Row]) -> Samples | None:
    limited = book.limited
    index: list[int] = []
    time: list[int] = []
    value: list[float] = []
    quality: list[int] = []
    newest: dict[int, int] = {}
    for row in rows:
        columns = limited.get(row.stream)
        if columns is None:
            continue
        # The columns put the samples of a batch in order; what came too late must stay too late, in whatever batch it comes.
        if row.time < newest.get(row.stream, NEVER):
            continue
        newest[row.stream] = row.time
        for position, sensor in columns:
            found = row.values[position]
            if found is not None:
                index.append(sensor)
                time.append(row.time)
                value.append(found)
                quality.append(row.quality if isinstance(row.quality, int) else row.quality[position])
    if not index:
        return None
    return Samples(
        np.array(index, dtype=np.int64),
        np.array(time, dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.array(quality, dtype=np.int64),
    )


def _places(samples: Samples, moved: Sequence[int]) -> dict[int, list[int]]:
    """Where in the batch the samples of these sensors are."""
    found: dict[int, list[int]] = {index: [] for index in moved}
    wanted = np.flatnonzero(np.isin(samples.index, np.array(moved, dtype=np.int64)))
    for place in wanted.tolist():
        found[int(samples.index[place])].append(place)
    return found


def _in_order(samples: Samples, changed: Changed, places: dict[int, list[int]]) -> list[tuple[int, Condition, Sample]]:
    """The changes of all sensors in the order of the rows that made them."""
    found = []
    for index, changes in changed.changes.items():
        by_time: dict[int, int] = {}
        for place in places[index]:
            by_time.setdefault(int(samples.time[place]), place)
        for condition, sample in changes:
            place = by_time[sample.time]
            bad = samples.quality[place] >= Quality.BAD
            found.append((place, index, condition, Sample(sample.time, None) if bad else sample))
    return [(index, condition, sample) for _, index, condition, sample in sorted(found, key=lambda each: each[:2])]
