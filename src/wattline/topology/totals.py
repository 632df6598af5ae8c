"""What a whole site takes, gives and loses, and what of it nobody can account for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattline.topology.network import Ints, Shape
from wattline.topology.sweep import NARROW

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def totals_of(
    shape: Shape, grid: Bools, feeding: Bools, own: Floats, inflow: Floats, edge_loss: Floats
) -> dict[str, float | None]:
    """W at the grid (import, export), of all that takes power (load) and gives it (generation), and lost on the edges whose
    loss is known; what is left of import - export + generation - load - loss is unaccounted. None where a part is not known.

    `own` is what each node takes for itself and `inflow` what flows into each block, NaN where that is not known; `feeding` are
    the nodes of the grid below another.
    """
    blocks = len(shape.entry)
    things = np.where(feeding, 0.0, own)
    unknown, blind = np.zeros(blocks, np.int64), np.zeros(blocks, np.int64)
    load, generation, fed, lost = (np.zeros(blocks) for _ in range(4))
    np.add.at(unknown, shape.block, np.isnan(things))
    np.add.at(blind, shape.block, feeding & np.isnan(own))
    np.add.at(load, shape.block, np.where(things > 0, things, 0.0))
    np.add.at(generation, shape.block, np.where(things < 0, -things, 0.0))
    np.add.at(fed, shape.block, np.where(feeding & ~np.isnan(own), own, 0.0))
    loss = np.where(np.isnan(edge_loss), 0.0, edge_loss)
    columns = (load, generation, fed, lost, unknown, blind)
    if blocks < NARROW * len(shape.levels):
        _by_blocks(shape, inflow, loss, columns)
    else:
        _by_levels(shape, inflow, loss, columns)
    top = shape.above < 0
    sure = blocks > 0 and not unknown[top].any() and not blind[top].any()
    at_grid = np.where(feeding, -own, inflow[shape.block])[grid]
    metered = len(at_grid) > 0 and not np.isnan(at_grid).any()
    imported = float(np.maximum(at_grid, 0.0).sum()) if metered else None
    exported = float(np.maximum(-at_grid, 0.0).sum()) if metered else None
    taken = float(load[top].sum()) if sure else None
    given = float(generation[top].sum()) if sure else None
    known = ~np.isnan(edge_loss)
    lost_w = float(edge_loss[known].sum()) if known.any() else None
    rest_w = None
    if imported is not None and exported is not None and taken is not None and given is not None:
        rest_w = imported - exported + given - taken - (lost_w or 0.0)
    return {
        "import_w": imported,
        "export_w": exported,
        "load_w": taken,
        "generation_w": given,
        "loss_w": lost_w,
        "unaccounted_w": rest_w,
    }


Columns = tuple[Floats, Floats, Floats, Floats, Ints, Ints]
"""Of each block and all behind it: load, generation, what other feeders give, losses (W), how many parts are not known, and how
many of those are feeders."""


def _by_levels(shape: Shape, inflow: Floats, loss: Floats, columns: Columns) -> None:
    """Add up each level to the one above."""
    load, generation, fed, lost, unknown, blind = columns
    for level in reversed(shape.levels):
        # Where a part is not known in detail, what was measured above it is its load, or its generation.
        coarse = level[(unknown[level] > 0) & (blind[level] == 0) & ~np.isnan(inflow[level])]
        rest = inflow[coarse] - lost[coarse] - fed[coarse]
        load[coarse], generation[coarse] = np.maximum(rest, 0.0), np.maximum(-rest, 0.0)
        unknown[coarse] = 0
        down = level[shape.above[level] >= 0]
        over = shape.above[down]
        for column in columns:
            np.add.at(column, over, column[down])
        np.add.at(lost, over, loss[shape.via[down]])


def _by_blocks(shape: Shape, inflow: Floats, loss: Floats, columns: Columns) -> None:
    """The same one block after another, for a network that is deep rather than wide."""
    load, generation, fed, lost, unknown, blind = lists = [column.tolist() for column in columns]
    above, via, arriving, losses = shape.above.tolist(), shape.via.tolist(), inflow.tolist(), loss.tolist()
    for block in range(len(above) - 1, -1, -1):
        if unknown[block] and not blind[block] and arriving[block] == arriving[block]:
            rest = arriving[block] - lost[block] - fed[block]
            load[block], generation[block], unknown[block] = max(rest, 0.0), max(-rest, 0.0), 0
        over = above[block]
        if over >= 0:
            for each in lists:
                each[over] += each[block]
            lost[over] += losses[via[block]]
    for column, found in zip(columns, lists, strict=True):
        column[:] = found
