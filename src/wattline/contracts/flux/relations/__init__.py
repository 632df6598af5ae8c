"""The relations of the contract as views of what the platform holds: no reading, device or price exists twice.

`readings` shows rows of streams, `registry` devices, `market` prices and signals, `rollups` what is computed from readings.
Every one is a `relation.Relation`; what a query narrows them by is found by `narrowing`.
"""
