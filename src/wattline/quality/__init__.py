"""Power quality and protection: events by the definitions of IEC 61000-4-30, EN 50160 and IEEE 1159, breakers and their trips.

Invariants: an event says how it was found and how finely; an interval reading never claims a dip of half a cycle; an event
keeps the thresholds that it began with; events of one type on one meter do not overlap.
Entry point: `service.PowerQuality`.
"""
