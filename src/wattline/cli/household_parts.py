"""Accounts and meters on the state database, for commands; and what only the running server can do, asked of it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wattline.cli.state import opened
from wattline.identity.service import Identity
from wattline.model.clock import DAY, MINUTE, SECOND, SystemClock
from wattline.model.errors import Conflict, Invalid, NotFound, Unavailable
from wattline.registry.service import Registry
from wattline.settings import Settings

if TYPE_CHECKING:
    from wattline.households.accounts.service import Accounts
    from wattline.households.meters.service import Meters

ADMIN = "household:admin"
REFUSALS = {404: NotFound, 409: Conflict, 400: Invalid}
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Parts:
    """What commands work with. The meters take no readings: those belong to the server."""

    accounts: Accounts
    meters: Meters
    identity: Identity


@asynccontextmanager
async def opened_parts(settings: Settings) -> AsyncIterator[Parts]:
    """The parts on the state database, beside a server or without one."""
    from wattline.households.accounts.service import Accounts
    from wattline.households.meters.service import Meters
    from wattline.ingest.pipeline import Options, Pipeline
    from wattline.measure import PipelineMeter
    from wattline.metrics import Metrics

    clock = SystemClock()
    async with opened(settings) as database:
        registry, identity = Registry(database, settings.max_streams, clock), Identity(database, clock)
        await registry.load()
        # Never started: the journal and the telemetry store are the server's.
        options = Options(settings.data / "journal.db", settings.telemetry_url, settings.journal_max_bytes, {})
        pipeline = Pipeline(options, registry, clock, PipelineMeter(Metrics()), lambda _: None)
        meters = Meters(
            database,
            registry,
            pipeline,
            clock,
            ahead=round(settings.max_future_seconds * SECOND),
            kept=settings.retention_raw_days * DAY,
        )
        await meters.load()
        accounts = Accounts(database, registry, identity, clock)
        accounts.released = meters.release
        yield Parts(accounts, meters, identity)


async def ask_server(parts: Parts, tenant: str, url: str, path: str, body: Mapping[str, Any]) -> None:
    """POST below the management path of the running server, with a key of this one use.

    Raises what the server says, and `Unavailable` where none answers.
    """
    import httpx

    record, secret = await parts.identity.create(tenant, "command line", [ADMIN], expires=SystemClock().micros() + MINUTE)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
            answer = await client.post(
                f"/api/v1/household{path}", json=dict(body), headers={"Authorization": f"Bearer {secret}"}
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"this needs the running server, and none answers at {url} ({type(error).__name__})") from None
    finally:
        await parts.identity.revoke(record.id, tenant)
    if answer.is_success:
        return
    try:
        words = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        words = f"what answers at {url} is no Wattline server on this data"
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        words = f"the server at {url} has other data"
    raise REFUSALS.get(answer.status_code, Unavailable)(words)
