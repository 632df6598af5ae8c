"""The same load against the yardstick in the same run, so that the figure travels between machines as a ratio."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import psycopg

from bench.closed_loop import Target, load
from bench.figure import Figure, median_run
from bench.ingest import CONNECTIONS, SINGLE
from bench.process import Server, free_port, python
from bench.runner import Context
from tests.postgres import PostgresServer, postgres_server


def baseline(context: Context) -> Sequence[Figure]:
    """Readings a second into PostgreSQL, one INSERT each, and how many times that the same load gave here."""
    postgres: PostgresServer = context.keep.enter_context(postgres_server())
    dsn = postgres.create("baseline").set(drivername="postgresql").render_as_string(hide_password=False)
    key, port = secrets.token_hex(16), free_port()
    server = Server(
        python("-m", "uvicorn", "bench.baseline:app", "--port", str(port), "--no-access-log", "--log-level", "warning"),
        port,
        "/health",
        context.place("baseline") / "log",
        {"BASELINE_DSN": dsn, "BASELINE_KEY": key},
    )
    context.keep.callback(server.stop)
    server.start()
    target = Target(port, "/ingest/telemetry", key)
    seconds = context.scaled(8, 3)
    load(target, connections=CONNECTIONS, seconds=2)
    runs = [load(target, connections=CONNECTIONS, seconds=seconds, run=number) for number in range(1, context.scaled(4, 2))]
    middle = median_run(runs, lambda run: run.rate)
    detail = {"runs": [run.as_detail() for run in runs], "synchronous": _durability(dsn)}
    figures = [
        Figure(
            "baseline: FastAPI + PostgreSQL, single POST",
            middle.rate,
            "readings/s",
            p50=middle.p50,
            p99=middle.p99,
            detail=detail,
        )
    ]
    ours = context.results.get(SINGLE)
    if ours is not None:
        figures.append(Figure("ratio to the baseline", ours.figure / middle.rate, "times", detail={"wattline": ours.figure}))
    return figures


def _durability(dsn: str) -> dict[str, str]:
    """The settings that make the comparison fair, as the server itself states them."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'server_version')"
        ).fetchall()
    return {str(name): str(setting) for name, setting in rows}
