"""The demo's microgrids: batteries and meters on two sites, and a controller that uploads their readings as rows.

Invariants: what a site does is a function of the instant alone, so a restart continues the same life; every counter is the
integral of the power that is reported; only the public requests of the Flux contract leave it.
Entry points: `definition.SITES`, `model.Microgrid`, `controller.run`, `calls.flux_calls`.
"""
