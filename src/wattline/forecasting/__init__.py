"""Forecasts of demand and generation, day-ahead and further, with quantiles and a stated skill.

Invariants: nothing after `as_of` is looked at; quantiles are monotone and come from errors at the same horizon; every answer
compares itself with a naive one. NumPy alone, no clock, no store: `service.Forecasting` reads what is needed.
"""
