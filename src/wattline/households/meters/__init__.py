"""Meters that read a household: who they are, their scripts, secrets and tokens, and which of their readings are taken.

A reading is accepted only if it is durable; what is refused is refused with its reason. The stored `total` of a household
only ever grows by what was used, whatever meter is swapped, rolls over or sends late.
Entry point: `service.Meters`; the rules are in `rules`.
"""
