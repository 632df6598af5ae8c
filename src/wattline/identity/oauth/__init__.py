"""OAuth 2.0 client credentials: clients, their secrets, the opaque tokens that they obtain (RFC 6749 4.4, 7009, 7662, 8414).

Invariants: secrets and tokens are kept as their SHA-256 alone; a token is durable before it is answered; a token, secret or
client that any process ended is good nowhere after two seconds; a token never has more than its client.
Entry points: `service.OAuth`, `model.Client`. What oauthlib decides is in `rules`, loaded by the first request for a token.
"""
