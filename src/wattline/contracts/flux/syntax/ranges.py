"""Which rows: the `Range` header, and how it goes together with `limit` and `offset`."""

from __future__ import annotations

import re

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.syntax.ast import Window

RANGE = re.compile(r"([0-9]+)-([0-9]*)\Z")
MOST = 2**63 - 1


def not_satisfiable(details: str) -> Refusal:
    """PGRST103."""
    return Refusal(416, "PGRST103", "Requested range not satisfiable", details)


def parse(header: str | None) -> Window:
    """`first-last`, both counted from 0 and included, or `first-` to the end. What is not so written asks for nothing.

    Raises `Refusal` PGRST103 where the last comes before the first.
    """
    found = RANGE.match(header.strip()) if header else None
    if found is None:
        return Window()
    first = _bounded(found[1])
    last = _bounded(found[2]) if found[2] else None
    if last is None:
        return Window(offset=first)
    if last < first:
        raise not_satisfiable("The lower boundary must be lower than or equal to the upper boundary in the Range header.")
    return Window(limit=last - first + 1, offset=first)


def intersect(header: Window, query: Window) -> Window:
    """The rows that both ask for. Raises `Refusal` PGRST103 for a negative limit and where there is no such row at all."""
    if query.limit is not None and query.limit < 0:
        raise not_satisfiable("Limit should be greater than or equal to zero.")
    first = max(header.offset or 0, query.offset or 0)
    ends = [(window.offset or 0) + window.limit for window in (header, query) if window.limit is not None]
    offset = None if header.offset is None and query.offset is None else first
    if not ends:
        return Window(None, offset)
    if query.limit != 0 and min(ends) <= first:
        raise not_satisfiable("The Range header and the limit and offset of the query have no row in common.")
    return Window(max(min(ends) - first, 0), offset)


def _bounded(digits: str) -> int:
    # No relation has as many rows as a bigint can count, so any greater bound means the same.
    return min(int(digits), MOST) if len(digits) < 40 else MOST
