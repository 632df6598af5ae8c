"""Feeder breakers: open or closed, and who is told of it.

Invariants: an event, the state it leads to and the alerts it causes are one transaction; the state is that after the newest
event by time, in whatever order they arrive; a feeder is known by its substation and its id, so two substations never share
one.
Entry points: `service.Feeders`, `model.GridEvent`, `model.resolve_site`.
"""
