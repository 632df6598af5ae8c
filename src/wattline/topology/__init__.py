"""The electrical graph of a site: nodes, edges, live flow, direction, loading and losses, also as of an earlier moment.

Invariants: an unknown flow is None, never zero; a parent is what its children and losses make, and the rest is told.
Entry point: `service.Topology`.
"""
