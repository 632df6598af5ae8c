"""Tariffs: what energy and demand cost, by local calendar or by a series of prices, as documents whose terms are kept.

Invariants: money is decimal text; of every month, day of the week and hour there is one period; terms under which somebody was
billed never change: a change has its own `valid_from`, and the former terms stay.
Entry points: `keeper.Tariffs`, `rates.rate_at`; the documents' fields are in `checks`.
"""
