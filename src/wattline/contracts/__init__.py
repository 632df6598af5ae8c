"""The published API contracts: each parses, authorises, calls the domain and shapes the answer, and nothing else.

Invariants: a contract imports domain packages and the platform, never a store, never another contract.
Entry points: `hop.routes.build`.
"""
