"""The HOP page, promise by promise. `docs/contracts/hop.md` names the test of each."""
