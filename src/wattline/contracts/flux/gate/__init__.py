"""Who may ask what, how often, and from which page: keys, tokens, roles, policies, rate limits, schemas, CORS.

Invariants: no answer depends on more of a refused credential than that it is refused; nothing of a key or token is logged or
told; every answer, refusals too, tells what is left of the caller's limit.
Entry points:
- `gate.Gate`: `await gate.admit(scope) -> Caller` for a request (raises `Refusal`; what is left of the limit goes into the
  scope, from where `around.Around` puts it on the answer), `await gate.admit_socket(scope) -> Caller` (raises
  `words.SocketRefused`), `await gate.verify(token, tenant) -> Caller` for a token that comes over an open socket.
- `credentials.without_key(query) -> bytes`: the query string without `apikey`, which is no filter.
- `policy.build(settings) -> Policy`.
- `profiles.schema(method, headers) -> str`: the schema that a request asks for, as its answer names it (PGRST106).
- `around.Around(app, origins)`: the ASGI wrapper of every answer: CORS, preflights, rate-limit headers.
"""
