"""What a register that counts up added from one reading to the next: rollovers, resets, glitches, steps too large to be true.

Readings are taken in the order of their times, so one that comes late is no different from one that came in time. A fall says
nothing until the following reading is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import HOUR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAR_TOP, NEAR_ZERO = 0.9, 0.1
"""A rollover leads from the last tenth of a register to its first; a reset to less than a tenth of what was shown."""
HEADROOM = 1.5
"""How many times the rated power may be used before it is a mistake."""
GRAINS = (1.0, 0.1, 0.01, 0.001)
"""Registers count in steps: of both readings being multiples of one of these (kWh), one such step more is no mistake."""


class Sign(IntEnum):
    """What is odd about a step; the larger one is told where there are two."""

    NONE = 0
    GLITCH = 1
    """A reading in between was left out: it fell, and what followed did not confirm it, or it rose for one reading."""
    ROLLOVER = 2
    """The register went through its top: the energy is exact."""
    RESET = 3
    """It began again from 0: what it shows now is counted, what it lost is not known."""
    EXCHANGED = 4
    """It fell, not to the first tenth, and went on from there: nothing is counted for the fall."""
    IMPLAUSIBLE = 5
    """More than the meter can have measured: counted apart, as withheld."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known of a register: the kWh at which it begins again from 0, and the power (kW) of which more is a mistake.

    None where it is not known: then no rollover, and no step too large, is recognised.
    """

    span_kwh: float | None = None
    most_kw: float | None = None

    @classmethod
    def rated(cls, span_kwh: float | None, rated_w: float | None) -> Rule:
        """The rule of a meter with this rated power."""
        return cls(span_kwh, None if rated_w is None else HEADROOM * rated_w / 1000)


@dataclass(frozen=True, slots=True)
class Steps:
    """Consecutive steps [begin, stop) in us, and the energy (kWh) in each; `sign` is a `Sign`.

    `withheld` is the energy (kWh) that the register added where that is too much to be true; `energy` is 0 there.
    """

    begin: Ints
    stop: Ints
    energy: Floats
    withheld: Floats
    sign: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.begin)


def steps(time: Ints, value: Floats, rule: Rule) -> Steps:
    """The steps of one register, whose readings (us, kWh) are ordered by time, no two of one time."""
    if len(time) < 2:
        return _cleanly(time, value)
    rise = np.diff(value)
    odd = rise < 0
    if rule.most_kw is not None:
        odd |= rise > rule.most_kw * np.diff(time) / HOUR
    if not odd.any():
        return _cleanly(time, value)
    return _judged(time, value, rule, np.flatnonzero(odd).tolist())


def _cleanly(time: Ints, value: Floats) -> Steps:
    pairs = max(len(time) - 1, 0)
    return Steps(time[:-1], time[1:], np.diff(value), np.zeros(pairs), np.zeros(pairs, np.uint8))


def _judged(time: Ints, value: Floats, rule: Rule, odd: Sequence[int]) -> Steps:
    """Stretches around odd pairs are judged reading by reading, all between them is plain difference."""
    judge = Judge(rule)
    kept = np.ones(len(time), bool)
    found: dict[int, tuple[float, float, Sign]] = {}
    done = 0
    for pair in odd:
        if pair < done:
            continue
        # The reading before the pair may be the wrong one of the two.
        base, at, skipped = max(pair - 1, done), max(pair - 1, done) + 1, False
        while at < len(time):
            near = [(int(t), float(v)) for t, v in zip(time[at : at + 3].tolist(), value[at : at + 3].tolist(), strict=True)]
            verdict = judge.of((int(time[base]), float(value[base])), near)
            if verdict is None:
                kept[at], skipped = False, True
            else:
                energy, withheld, sign = verdict
                sign = max(sign, Sign.GLITCH) if skipped else sign
                if sign or skipped:
                    found[at] = energy, withheld, sign
                base, skipped = at, False
                if at > pair and sign is Sign.NONE:
                    break
            at += 1
        else:
            # Judged to the end: what comes after the last reading that counted waits for more.
            break
        done = base
    chosen = np.flatnonzero(kept)
    clean = _cleanly(time[chosen], value[chosen])
    place = np.searchsorted(chosen, np.array(list(found), np.int64)) - 1
    for where, (energy, withheld, sign) in zip(place.tolist(), found.values(), strict=True):
        clean.energy[where], clean.withheld[where], clean.sign[where] = energy, withheld, sign
    return clean


Reading = tuple[int, float]
Verdict = tuple[float, float, Sign]


class Judge:
    """Decides on one reading, given the last one that counted and the two that follow."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def of(self, base: Reading, near: Sequence[Reading]) -> Verdict | None:
        """Energy, energy withheld, and what is odd about it; None where this reading does not count.

        `near` begins with the reading, and holds up to two more, as far as there are any.
        """
        (start, before), (time, now) = base, near[0]
        following = [value for _, value in near[1:]]
        if now >= before:
            whole = self._plausible(now - before, before, now, time - start)
            if following and self._came_back(before, now, following[0], whole=whole):
                return None
            return self._step(now - before, before, now, time - start, Sign.NONE)
        if self._rolls_over(before, now):
            assert self._rule.span_kwh is not None
            return self._step(self._rule.span_kwh - before + now, before, now, time - start, Sign.ROLLOVER)
        if following and now <= following[0] < before:
            return self._fallen(before, now, time - start, following)
        return None

    def _fallen(self, before: float, now: float, elapsed: int, following: Sequence[float]) -> Verdict | None:
        """It fell, and the next reading goes on from there."""
        if now < NEAR_ZERO * before:
            return self._step(now, 0.0, now, elapsed, Sign.RESET)
        if len(following) > 1 and following[0] <= following[1] < before:
            return 0.0, 0.0, Sign.EXCHANGED
        return None

    def _step(self, energy: float, before: float, now: float, elapsed: int, sign: Sign) -> Verdict:
        if self._plausible(energy, before, now, elapsed):
            return energy, 0.0, sign
        return 0.0, energy, Sign.IMPLAUSIBLE

    def _plausible(self, energy: float, before: float, now: float, elapsed: int) -> bool:
        most = self._rule.most_kw
        if most is None:
            return True
        limit = most * elapsed / HOUR
        return energy <= limit or energy <= limit + grain(before, now)

    def _rolls_over(self, before: float, now: float) -> bool:
        span = self._rule.span_kwh
        return span is not None and NEAR_TOP * span < before <= span and now < NEAR_ZERO * span

    def _came_back(self, before: float, now: float, after: float, *, whole: bool) -> bool:
        """Whether a rise was gone with the next reading, so that it was none."""
        if not before <= after < now or self._rolls_over(now, after):
            return False
        if after >= NEAR_ZERO * now or not whole:
            return True
        # The next one may be the first after a reset. Without a limit, that it comes back to where it was tells.
        return self._rule.most_kw is None and 2 * before >= after


def grain(*values: float) -> float:
    """The coarsest step (kWh) in which a register that shows these values can count."""
    for step in GRAINS:
        if all(abs(value / step - round(value / step)) < 1e-6 for value in values):
            return step
    return 0.0
