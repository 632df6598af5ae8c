"""Schedules and constraints of charging and site load: validated documents; what acts on them comes with allocation.

Entry points: `schedules`, `constraints`.
"""
