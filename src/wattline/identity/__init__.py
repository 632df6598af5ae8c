"""Who may ask: API keys, their scopes and sites or the role that they stand for, their rotation and end; tokens of projects.

Invariants: a secret is shown once and kept only as its SHA-256; every refused secret gets the same words; a revocation by
any process holds everywhere within two seconds. Only a project's secret is kept as it is: an HMAC needs it.
Entry points: `service.Identity`, `model.KeyRecord`, `jwt_token.read`.
"""
