"""The log of changes to tables that clients follow row by row: device listings, market data.

Invariants: a change is logged in the transaction that makes it; positions grow from commit to commit, in every process;
listeners of a process hear every commit of every process once, in that order.
Entry points: `service.ChangeLog`, `model.Change`.
"""
