"""Relational state: engine, transactions and migrations. The only place that opens SQLite or PostgreSQL.

Invariants: every statement is SQLAlchemy Core with bound parameters; a write transaction on SQLite begins IMMEDIATE;
a schema changes by a numbered migration under `migrations/versions` and no other way.
Entry points: `database.Database`, `tables.metadata`, `sqlite.open_sqlite`.
"""
