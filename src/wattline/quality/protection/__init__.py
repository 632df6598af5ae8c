"""Protection: trips, alarms of leakage and arcs, and the state of each breaker.

Invariants: an event is stored once however often it is sent; a breaker has the state of its newest event or reading; a change
that a breaker cannot make is kept and marked, for something must have been missed.
Entry point: `service.Protection`.
"""
