"""The yardstick: what one would write first. FastAPI, pydantic, and one INSERT into PostgreSQL for each reading.

It is written as a careful beginner would: connections are pooled, statements prepared, the commit durable (fsync on).
Run by `uvicorn bench.baseline:app` with BASELINE_DSN and BASELINE_KEY in the environment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import psycopg
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

POOL = 16

TABLE = """
    CREATE TABLE IF NOT EXISTS telemetry (
        substation_id text NOT NULL,
        feeder_id text NOT NULL,
        device_id text NOT NULL,
        time timestamptz NOT NULL,
        voltage_kv double precision NOT NULL,
        current_a double precision NOT NULL,
        power_mw double precision NOT NULL,
        frequency_hz double precision NOT NULL,
        status_code text,
        PRIMARY KEY (substation_id, feeder_id, device_id, time)
    )"""
# A primary key and an upsert, because a retry must not double a reading: both sides of the comparison promise that.
INSERT = """
    INSERT INTO telemetry VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (substation_id, feeder_id, device_id, time) DO UPDATE SET
        voltage_kv = excluded.voltage_kv, current_a = excluded.current_a, power_mw = excluded.power_mw,
        frequency_hz = excluded.frequency_hz, status_code = excluded.status_code"""

Pool = asyncio.Queue[psycopg.AsyncConnection]


class Reading(BaseModel):
    """The page's telemetry body."""

    substation_id: str
    voltage_kv: float
    current_a: float
    power_mw: float
    frequency_hz: float
    feeder_id: str = ""
    device_id: str = ""
    site_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    status_code: str | None = None
    timestamp: datetime | None = None


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """Hold a pool of connections for as long as the application runs."""
    dsn, pool = os.environ["BASELINE_DSN"], Pool()
    connections = [await psycopg.AsyncConnection.connect(dsn, autocommit=True) for _ in range(POOL)]
    await connections[0].execute(TABLE)
    for connection in connections:
        pool.put_nowait(connection)
    application.state.pool = pool
    yield
    for connection in connections:
        await connection.close()


app = FastAPI(lifespan=lifespan)


def authorised(x_api_key: Annotated[str, Header()] = "") -> None:
    """Refuse a wrong key."""
    if x_api_key != os.environ["BASELINE_KEY"]:
        raise HTTPException(401, "invalid key")


@app.get("/health")
async def health() -> dict[str, str]:
    """Up once the pool is."""
    return {"status": "ok"}


@app.post("/ingest/telemetry", dependencies=[Depends(authorised)])
async def telemetry(reading: Reading) -> dict[str, str]:
    """Write one reading; the answer follows the durable commit."""
    pool: Pool = app.state.pool
    connection = await pool.get()
    try:
        await connection.execute(
            INSERT,
            (
                reading.substation_id,
                reading.feeder_id,
                reading.device_id,
                reading.timestamp or datetime.now(UTC),
                reading.voltage_kv,
                reading.current_a,
                reading.power_mw,
                reading.frequency_hz,
                reading.status_code,
            ),
        )
    finally:
        pool.put_nowait(connection)
    return {"status": "telemetry written", "substation_id": reading.substation_id}
