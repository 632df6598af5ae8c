"""Energy of meters in intervals of 15 minutes, from registers that count up or from power.

Invariants: intervals are aligned to UTC, so every local day begins on one; what is not known is not zero; a register's energy
over a gap is exact in sum and its profile is marked as estimated; what no meter of its size can have used is kept apart.
Entry points: `service.Energy`, `register.steps`, `power.power`.
"""
