"""Readings of meters on their way in: checked, held against what is there at their time, stored.

Invariants: a meter has one reading an instant; the same again is a duplicate and stores nothing, other values are added or
replace its own, and what was replaced is kept; an outcome is told after the row is durable; a refused reading leaves no trace.
Entry points: `service.Readings`, `document.read`, `ingested.event_of`.
"""
