"""What a household used: rows with their consumption, local days, and power on an even grid.

Everything follows from the register `total`, so no cadence, gap, swap or late reading changes a sum.
Entry points: `rows`, `daily`, `grid`.
"""
