"""The demo's homes: five households, and the devices that read their meters.

Invariants: what a home uses is a function of the instant alone, so a restart continues the same life; every register is the
integral of the power; only the published requests of the household contract leave it.
Entry points: `definition.HOMES`, `life.Life`, `reader.run`, `calls.household_calls`.
"""
