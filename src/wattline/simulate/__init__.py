"""Fleets that speak the public contracts over real HTTP, and the demo that seeds and runs one.

Invariants: the physics is pure and seeded; only the contract's public words leave the fleet; a message keeps its timestamp
through every retry, so that resending is idempotent; nothing here opens a store.
Entry points: `fleet.Fleet`, `sender.Sender`, `drive.drive`, `demo.seed` and `provide`, `child.fleet_process`, `curl.page`;
`python -m wattline.simulate` is the fleet as a process.
"""
