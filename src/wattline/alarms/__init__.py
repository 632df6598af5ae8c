"""Alarms by ISA-18.2 for any sensor: limits, one live alarm a sensor, its whole life from raise to clear, and its figures.

Invariants: a sensor has at most one alarm that is not CLEARED; a transition and its event are one transaction, told after its
commit and in order; every sample is evaluated, once; a P0 alarm is never suppressed by another; silence clears nothing.
Entry points: `service.Alarms`; `model.Alarm`, `model.Limit`, `report.Report`, `query.AlarmFilter`, `rules.read_rules`; the
rules themselves, pure, in `condition`, `lifecycle` and `cascade`; a decision goes `draft` -> `commit` through `engine`.
"""
