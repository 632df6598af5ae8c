"""Schedules and constraints of charging and site load: validated documents; what acts on them comes with allocation.

Invariants: a schedule means local time, so a day of 23 or 25 hours changes nothing that its owner sees on the clock; of what
overlaps, the higher priority holds, and at equal priority the lower value.
Entry points: `schedules.Schedules` with `effective`, `constraints.Constraints`.
"""
