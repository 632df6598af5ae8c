"""A ClickHouse HTTP server for tests: the published HTTP interface in front of a real embedded engine, in its own process.

Invariants: what is stored, computed and refused is decided by the engine, never by the endpoint; one data directory a process.
Entry points: `endpoint.ClickHouseEndpoint`, `fixture.clickhouse`, `fixture.clickhouse_server`.
"""
