"""Reliability indices of IEEE Std 1366: CMI, SAIDI, SAIFI, CAIDI, MAIFI, by step functions of customers out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wattline.model.clock import MINUTE
from wattline.model.errors import Invalid
from wattline.outages.model import OutageRecord, Status, order

#: An interruption that lasts longer than this is sustained; up to this it is momentary.
SUSTAINED = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Interruption:
    """One episode of one outage: `steps` are (time, customers out from then on), `end` is None while it lasts. Microseconds."""

    start: int
    end: int | None
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Indices:
    """A period of operation in figures. Ratios are None without customers served, CAIDI also without an interruption.

    `cmi` customer-minutes of sustained interruption; `ci` customers interrupted by those, `cmo` by momentary ones.
    `saidi` minutes per customer served, `saifi` interruptions per customer served, `caidi` minutes per interrupted customer,
    `maifi` momentary interruptions per customer served.
    """

    interruptions: int
    momentary: int
    cmi: float
    ci: int
    cmo: int
    saidi: float | None
    saifi: float | None
    caidi: float | None
    maifi: float | None


def interruptions(records: Iterable[OutageRecord]) -> list[Interruption]:
    """The episodes of one outage, from its records in the order of arrival."""
    found: list[Interruption] = []
    steps: list[tuple[int, int]] = []
    for record in sorted(records, key=order):
        if record.status is Status.ACTIVE:
            steps.append((record.happened, record.customers))
        elif steps:
            found.append(Interruption(steps[0][0], record.happened, tuple(steps)))
            steps = []
    if steps:
        found.append(Interruption(steps[0][0], None, tuple(steps)))
    return found


def customer_micros(interruption: Interruption, start: int, end: int) -> int:
    """The integral of customers out over [start, end), in customer-microseconds."""
    ends = [step[0] for step in interruption.steps[1:]]
    last = end if interruption.end is None else interruption.end
    total = 0
    for (begin, customers), until in zip(interruption.steps, [*ends, last], strict=True):
        total += customers * max(0, min(until, end) - max(begin, start))
    return total


def customers_interrupted(interruption: Interruption) -> int:
    """How many customer interruptions an episode is: every rise counts, for a customer restored and lost again is out twice."""
    total = previous = 0
    for _, customers in interruption.steps:
        total += max(0, customers - previous)
        previous = customers
    return total


def indices(episodes: Iterable[Interruption], start: int, end: int, customers_served: int | None) -> Indices:
    """The indices of [start, end), in microseconds.

    An episode is classed by its whole length, counted in the period it begins in, and weighed by the part inside the period.
    One that still lasts at `end` is sustained once it is old enough, and until then neither. Raises `Invalid` for an empty
    period.
    """
    if end <= start:
        raise Invalid("the period is empty", "end")
    counted = momentary = ci = cmo = micros = 0
    for episode in episodes:
        if episode.start >= end:
            continue
        running = episode.end is None or episode.end > end
        length = (end if running else episode.end or end) - episode.start
        inside = episode.start >= start
        if length > SUSTAINED:
            micros += customer_micros(episode, start, end)
            counted += inside
            ci += customers_interrupted(episode) if inside else 0
        elif not running and inside:
            momentary += 1
            cmo += customers_interrupted(episode)
    cmi = micros / MINUTE
    served = customers_served or None
    return Indices(
        interruptions=counted,
        momentary=momentary,
        cmi=cmi,
        ci=ci,
        cmo=cmo,
        saidi=cmi / served if served else None,
        saifi=ci / served if served else None,
        caidi=cmi / ci if ci else None,
        maifi=cmo / served if served else None,
    )
