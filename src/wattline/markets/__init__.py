"""Prices and other signals of markets: values of a type at a time, of which each may have several versions.

Invariants: a value is a float4; the rows of a type and time stand in the order in which they came; a change is logged with it.
Entry points: `service.Markets`, `model.Signal`, `selection.Selection`.
"""
