"""The Flux contract: PostgREST-compatible tables and functions under `/rest/v1`, Supabase Realtime under `/realtime/v1`.

A request is parsed (`syntax`), checked against the columns of its relation (`catalog`, `expression`), read (`read`,
`relations`, `evaluate`) or written (`write`), and answered in PostgreSQL's own words (`values`, `errors`). Nothing of a request
is done unless all of it is. `routes.build` puts the contract on a running platform.
"""

from wattline.contracts.flux.routes import FluxContract, build

__all__ = ["FluxContract", "build"]
