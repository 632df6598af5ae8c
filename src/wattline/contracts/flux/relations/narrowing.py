"""What a filter surely asks of one column, so that a relation need not read what cannot be in the answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wattline.contracts.flux.expression import Among, Both, Compare, Either, Expression

EARLIEST, LATEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """Times in [start, end), us."""

    start: int = EARLIEST
    end: int = LATEST

    def within(self, start: int, end: int) -> Span:
        """What both have."""
        return Span(max(self.start, start), min(self.end, end))


def parts(where: Expression | None) -> Iterator[Expression]:
    """What must all be true for the whole to be."""
    if isinstance(where, Both):
        for part in where.parts:
            yield from parts(part)
    elif isinstance(where, Either) and len(where.parts) == 1:
        yield from parts(where.parts[0])
    elif where is not None:
        yield where


def span(where: Expression | None, column: str) -> Span:
    """The times that a filter leaves of a timestamptz column."""
    found = Span()
    for part in parts(where):
        if isinstance(part, Compare) and part.ref.column == column:
            at = part.value
            after = min(at + 1, LATEST)
            match part.operator:
                case "eq":
                    found = found.within(at, after)
                case "gte":
                    found = found.within(at, LATEST)
                case "gt":
                    found = found.within(after, LATEST)
                case "lt":
                    found = found.within(EARLIEST, at)
                case "lte":
                    found = found.within(EARLIEST, after)
    return found


def values(where: Expression | None, column: str) -> frozenset[object] | None:
    """The values that a filter leaves of a column; None for every one."""
    found: frozenset[object] | None = None
    for part in parts(where):
        if isinstance(part, Compare) and part.operator == "eq" and part.ref.column == column and not part.ref.path:
            some = frozenset({part.value})
        elif isinstance(part, Among) and part.operator == "eq" and part.ref.column == column and not part.every:
            some = frozenset(part.values)
        else:
            continue
        found = some if found is None else found & some
    return found
