"""The MCS Data Platform API, as its public page describes it, under /api/v1. `docs/contracts/mcs.md` lists every promise.

Invariants: every error body has a `detail`; what a key does not include does not exist for it; additions change no published
answer.
Entry point: `routes.build`.
"""

from wattline.contracts.mcs.routes import McsContract, build

__all__ = ["McsContract", "build"]
