"""What happened, for consumers: readings that were stored and the events of the hash-chained log, as one log of 30 days.

Invariants: after a position that was handed out everything new comes, and nothing of it twice; each of the two kinds is in its
own order (by receipt, by sequence); a consumer sees only the sites and types that it may.
Entry points: `service.Occurrences`, `types.TYPES`, `model.Position`.
"""
