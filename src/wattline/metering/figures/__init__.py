"""Figures of meters, groups and accounts: key figures, the matrix of a calendar, the live trail.

Invariants: a group is the signed sum of its members, and says how much of them was measured; what is not known is None and
never 0; local days have 23, 24 or 25 hours; the cells of a matrix add up to the key figure.
Entry point: `service.Figures`.
"""
