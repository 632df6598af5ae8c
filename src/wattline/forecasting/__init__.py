"""Forecasts of demand and generation, day-ahead and further, with quantiles and a stated skill.

Invariants: nothing after `as_of` is looked at; quantiles are monotone and come from errors at the same horizon; every answer
compares itself with a naive one. Models know NumPy arrays alone; a grid of local days makes every season a shift of rows.
Entry points: `service.Forecasting`, which `metered.MeteredHistory` gives the past; `forecaster.forecast` for a grid.
"""
