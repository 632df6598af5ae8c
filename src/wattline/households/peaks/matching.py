"""What was found held against what is stored: which peak is which, and what is no more. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from wattline.households.peaks.detection import Found
from wattline.households.peaks.model import Peak


@dataclass(frozen=True, slots=True)
class Match:
    """What was found, the stored peak that it is (None: it is new), and others that went up in it."""

    found: Found
    known: Peak | None
    others: Sequence[Peak]


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found, and the stored peaks that are no more."""

    found: list[Match]
    gone: list[Peak]


def matched(
    found: Sequence[Found], stored: Sequence[Peak], assigned: Container[str], *, begin: int, until: int, end: int
) -> Matches:
    """Hold what was found from `begin` up to `end` (us) against all stored peaks that reach into it; both oldest first.

    What overlaps a stored peak is that peak: of several one that somebody said the causes of (`assigned`), else the oldest.
    A stored peak that overlaps nothing is gone if it lies between `begin` and `until`, unless it was assigned. One that ends
    after `end` was seen by somebody who saw more: it is left to the look that sees as much.
    """
    left = list(stored)
    matches: list[Match] = []
    for each in found:
        touched = [one for one in left if one.start < each.end and one.end > each.start]
        if any(one.end > end for one in touched):
            continue
        left = [one for one in left if one not in touched]
        known = next((one for one in touched if one.id in assigned), touched[0] if touched else None)
        matches.append(Match(each, known, [one for one in touched if one is not known]))
    gone = [one for one in left if begin <= one.start and one.end <= until and one.id not in assigned]
    return Matches(matches, gone)
