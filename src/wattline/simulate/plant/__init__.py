"""The demo's data centre at a brewery: one definition of its points, its physics, and its edge gateway over MQTT.

Invariants: `definition` is the one place that names a point; what the plant does is a function of the seed and the instant
alone, so a restart continues the same life; the heat of each loop balances; only the public topics and payloads leave it.
Entry points: `definition.POINTS`, `seed.seed`, `model.Plant`, `instruments.Instruments`, `gateway.Gateway`.
"""
