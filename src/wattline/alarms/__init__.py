"""Alarms by ISA-18.2 for any sensor: limits, one live alarm a sensor, its whole life from raise to clear, and its figures.

Invariants: a sensor has at most one alarm that is not CLEARED; a transition, its event and what the feeds tell of it are one
transaction; every sample is evaluated, once, in the order of its time; a P0 alarm is never suppressed by another.
Entry points: `service.Alarms`, `model.Alarm`, `model.Limit`, `lifecycle`, `condition`.
"""
