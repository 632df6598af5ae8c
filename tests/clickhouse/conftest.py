"""The server under test is the one that other packages borrow."""

from .fixture import clickhouse, clickhouse_server

__all__ = ["clickhouse", "clickhouse_server"]
