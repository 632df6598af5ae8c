"""The demo's bus depot: a grid connection, a hall where buses are charged, a workshop, offices and a solar roof.

Invariants: what is drawn is a function of the instant alone, so a restart continues the same life; every register is the
integral of the power; only the published requests of the Joulepoint contract leave it, signed by the gateway's key.
Entry points: `definition.METERS`, `life.Life`, `gateway.run`, `calls.joulepoint_calls`.
"""
