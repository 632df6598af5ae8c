"""Adding up sensors that are read at the same instants: the powers of the phases of one meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import reduce

import numpy as np

from wattline.ingest.edge_series import WIDTH, Edges
from wattline.metering.energy.reading import Points
from wattline.metering.energy.register import Ints

ADDED = ("first", "last", "low", "high", "total")


def added(parts: Sequence[Edges]) -> tuple[Edges, Ints]:
    """The intervals in which all were read equally often, from the same instant to the same, added up; and the numbers of the
    other intervals in which any was read, counted from 1970.

    `low` and `high` are bounds: what was added was not least, or largest, at the same instant.
    """
    if len(parts) == 1:
        return parts[0], np.zeros(0, np.int64)
    common = reduce(np.intersect1d, [part.first_time for part in parts])
    same = [part.take(np.searchsorted(part.first_time, common)) for part in parts]
    first = same[0]
    alike = np.ones(len(common), bool)
    for other in same[1:]:
        alike &= (other.last_time == first.last_time) & (other.count == first.count)
    columns = {name: sum(getattr(part, name) for part in same) for name in ADDED}
    whole = Edges(*(columns.get(each.name, getattr(first, each.name)) for each in fields(Edges))).take(alike)
    seen = np.unique(np.concatenate([part.first_time // WIDTH for part in parts]))
    return whole, np.setdiff1d(seen, whole.first_time // WIDTH, assume_unique=True)


def added_points(parts: Sequence[Points]) -> Points:
    """The readings of the instants at which all were read, added up."""
    common = reduce(np.intersect1d, [time for time, _ in parts])
    return common, np.sum([value[np.searchsorted(time, common)] for time, value in parts], axis=0)
