"""The household API, as its public page describes it, at the root and under /api/v1. `docs/contracts/household.md` lists every
promise.

Invariants: 200 means stored; the status in a body is the HTTP status; nobody sees another household's rows.
Entry point: `routes.build`.
"""

from wattline.contracts.household.routes import HouseholdContract, build

__all__ = ["HouseholdContract", "build"]
