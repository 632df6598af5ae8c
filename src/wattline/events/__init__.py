"""The append-only, hash-chained log of what happened: one chain per tenant.

Invariants: sequences have no gap; each event holds the hash of the one before it; update, delete and truncate are refused
by the store; an event is committed with the state change that it tells of, or not at all.
Entry points: `service.EventLog`, `model.Event`, `chain.verify`, `chain.verify_all`.
"""
