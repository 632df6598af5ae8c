"""Interval energy: what each meter measured in every five minutes, and what of it an account may count.

Invariants: nested meters are never summed twice; energy of a time that nobody measured is never invented, and every figure
says how much of its time was measured and how much of it is estimated; columns are floats, totals are Decimal.
Entry points: `energy.Energy`, `model.EnergyReport`, `model.DailyEnergy`.
"""
