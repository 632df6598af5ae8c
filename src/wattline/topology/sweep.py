"""Up from the ends of a network, adding up what flows, then down along lines without a branch.

A wide network is swept level by level, in columns; a deep one block by block, since each level would be a handful of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isnan

import numpy as np
from numpy.typing import NDArray

from wattline.topology.network import Ints

Floats = NDArray[np.float64]
NARROW = 32
"""Blocks a level, on average, below which it is quicker to go block by block."""


@dataclass(frozen=True, eq=False)
class Lines:
    """What is known of each block and of the edge that supplies it before anything is added up; NaN stands for not known.

    `above` is the block that supplies it, -1 for none. `power` (W) and `reactive` (var) are measured where it is supplied.
    `shown` is the current (A) that is measured in the edge, `factor` the power factor measured where it ends, used where no
    reactive power is measured there; `base` is W that one ampere carries; `ohms` and `reactance` are those of all conductors.
    `sent` is the power measured at the upper end of an edge whose lower end is measured too. `passes` says that all that flows
    in from above goes out by one edge.
    """

    above: Ints
    levels: Sequence[Ints]
    power: Floats
    reactive: Floats
    shown: Floats
    factor: Floats
    base: Floats
    ohms: Floats
    reactance: Floats
    sent: Floats
    passes: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Swept:
    """Of each block, NaN where it is not known: `inflow` (W) and `reactive` (var) that flow in, and of the edge that supplies
    it `current` (A) and `loss` (W); `measured` says that the loss is a difference of two readings."""

    inflow: Floats
    reactive: Floats
    current: Floats
    loss: Floats
    measured: NDArray[np.bool_]


def swept(lines: Lines, own: Floats, own_reactive: Floats) -> Swept:
    """What flows, from what each block takes for itself (W, var); both arrays are written to."""
    inflow, reactive, current, loss = np.full((4, len(own)), np.nan)
    made = Swept(inflow, reactive, current, loss, ~np.isnan(lines.sent))
    if len(own) < NARROW * len(lines.levels):
        return _by_blocks(lines, own.tolist(), own_reactive.tolist(), made)
    for level in reversed(lines.levels):
        _up(lines, level, own, own_reactive, made)
    for level in lines.levels[1:]:
        _down(lines, level[np.isnan(made.inflow[level]) & lines.passes[lines.above[level]]], made)
    return made


def _carried(lines: Lines, blocks: Ints, power: Floats, reactive: Floats) -> tuple[Floats, Floats, Floats]:
    """The current of edges with this power at one end, and what is lost of it (W, var), NaN where that is not known."""
    size, factor = np.abs(power), lines.factor[blocks]
    apparent = np.where(np.isnan(reactive), size, np.hypot(power, reactive))
    apparent = np.where(np.isnan(factor), apparent, size / factor)
    shown = lines.shown[blocks]
    current = np.where(np.isnan(shown), apparent / lines.base[blocks], shown)
    return current, current**2 * lines.ohms[blocks], current**2 * lines.reactance[blocks]


def _up(lines: Lines, level: Ints, total: Floats, total_reactive: Floats, made: Swept) -> None:
    power, reactive = lines.power[level], lines.reactive[level]
    power = np.where(np.isnan(power), total[level], power)
    reactive = np.where(np.isnan(reactive), total_reactive[level], reactive)
    made.inflow[level], made.reactive[level] = power, reactive
    fed = lines.above[level] >= 0
    if not fed.any():
        return
    blocks, power, reactive = level[fed], power[fed], reactive[fed]
    current, loss, shift = _carried(lines, blocks, power, reactive)
    sent = lines.sent[blocks]
    loss = np.where(np.isnan(sent), loss, sent - power)
    made.current[blocks], made.loss[blocks] = current, loss
    np.add.at(total, lines.above[blocks], power + np.nan_to_num(loss))
    np.add.at(total_reactive, lines.above[blocks], reactive + np.nan_to_num(shift))


def _down(lines: Lines, blocks: Ints, made: Swept) -> None:
    """What flows in where nothing behind is known, but all that is sent down the only line there is."""
    above = lines.above[blocks]
    power, reactive = made.inflow[above], made.reactive[above]
    current, loss, shift = _carried(lines, blocks, power, reactive)
    made.current[blocks], made.loss[blocks] = current, loss
    made.inflow[blocks], made.reactive[blocks] = power - np.nan_to_num(loss), reactive - np.nan_to_num(shift)


def _by_blocks(lines: Lines, total: list[float], total_reactive: list[float], made: Swept) -> Swept:
    """The same, one block after another: a block's number is greater than that of the one above."""
    above, passes, sent = lines.above.tolist(), lines.passes.tolist(), lines.sent.tolist()
    shown, factor, base = lines.shown.tolist(), lines.factor.tolist(), lines.base.tolist()
    ohms, reactance = lines.ohms.tolist(), lines.reactance.tolist()

    def carried(block: int, power: float, reactive: float) -> tuple[float, float, float]:
        current = shown[block]
        if isnan(current):
            if not isnan(factor[block]):
                apparent = abs(power) / factor[block]
            else:
                apparent = abs(power) if isnan(reactive) else hypot(power, reactive)
            current = apparent / base[block]
        square = current * current
        return current, square * ohms[block], square * reactance[block]

    inflow, flowing = lines.power.tolist(), lines.reactive.tolist()
    currents, losses = [np.nan] * len(above), [np.nan] * len(above)
    for block in range(len(above) - 1, -1, -1):
        power, reactive, over = inflow[block], flowing[block], above[block]
        if isnan(power):
            power = inflow[block] = total[block]
        if isnan(reactive):
            reactive = flowing[block] = total_reactive[block]
        if over < 0:
            continue
        current, loss, shift = carried(block, power, reactive)
        if not isnan(sent[block]):
            loss = sent[block] - power
        currents[block], losses[block] = current, loss
        total[over] += power + (0.0 if isnan(loss) else loss)
        total_reactive[over] += reactive + (0.0 if isnan(shift) else shift)
    for block, over in enumerate(above):
        if over >= 0 and isnan(inflow[block]) and passes[over]:
            power, reactive = inflow[over], flowing[over]
            current, loss, shift = carried(block, power, reactive)
            currents[block], losses[block] = current, loss
            inflow[block] = power - (0.0 if isnan(loss) else loss)
            flowing[block] = reactive - (0.0 if isnan(shift) else shift)
    for column, found in zip(
        (made.inflow, made.reactive, made.current, made.loss), (inflow, flowing, currents, losses), strict=True
    ):
        column[:] = found
    return made
