"""Which tier answers a telemetry query: by the length of its range, or as asked, and only one that still holds its begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wattline.contracts.mcs.times import Range
from wattline.model.clock import DAY, HOUR, MINUTE

Agg = Literal["raw", "1min", "5min", "1hour", "1day"]


@dataclass(frozen=True, slots=True)
class Tier:
    """A resolution: its published name, the word that asks for it, the width of its buckets in us (0: readings as sent), the
    span from which on it is chosen, and the table it is kept in."""

    name: str
    agg: Agg
    width: int
    since_span: int
    table: str


TIERS = (
    Tier("telemetry", "raw", 0, 0, "readings"),
    Tier("agg_1min", "1min", MINUTE, 2 * HOUR, "tier_1m"),
    Tier("agg_5min", "5min", 5 * MINUTE, 12 * HOUR, "tier_5m"),
    Tier("agg_1hour", "1hour", HOUR, 3 * DAY, "tier_1h"),
    Tier("agg_1day", "1day", DAY, 90 * DAY, "tier_1d"),
)
"""Finest first."""
BY_AGG: Mapping[str, Tier] = {tier.agg: tier for tier in TIERS}


def by_span(span: int) -> Tier:
    """The published choice for a range of this length (us): lower bounds belong to a tier, upper bounds to the next."""
    return next(tier for tier in reversed(TIERS) if span >= tier.since_span)


def choose(wanted: Range, agg: str | None, now: int, retention: Mapping[str, int]) -> Tier:
    """The tier that answers a query.

    One that is asked for is taken. Else it is the choice by length, or, where that one no longer holds the begin of the
    range, the finest that does; `retention` says how long each table keeps its rows (us).
    """
    if agg is not None:
        return BY_AGG[agg]
    chosen = by_span(wanted.span)
    coarser = TIERS[TIERS.index(chosen) :]
    return next((tier for tier in coarser if wanted.start >= now - retention[tier.table]), coarser[-1])
