"""The nouns of the platform: plain typed data, no input or output.

Invariants: imports nothing of ours; every instant is UTC; on a hot path it is an integer of microseconds since 1970.
Entry points: `clock.Clock`, `record.Row`, `place.Site`, `place.Device`, `place.Sensor`, `principal.Principal`, `errors`.
"""
