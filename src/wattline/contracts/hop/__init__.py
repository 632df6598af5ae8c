"""The HOP Sensors Ingest API, as its public page describes it, under /api. `docs/contracts/hop.md` lists every promise.

Invariants: a 200 means durable; a refused body has written nothing; every error body has a `detail`; additions change
no published answer.
Entry point: `routes.build`.
"""

from wattline.contracts.hop.routes import HopContract, build

__all__ = ["HopContract", "build"]
