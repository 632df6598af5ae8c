"""Who may ask: API keys, their scopes and sites, their rotation and end.

Invariants: a secret is shown once and kept only as its SHA-256; every refused secret gets the same words; a revocation by
any process holds everywhere within two seconds.
Entry points: `service.Identity`, `model.KeyRecord`.
"""
