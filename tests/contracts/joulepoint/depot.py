"""A tenant on a running platform: its keys, and requests to routers that were put together for a test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.migrated import lay_out
from tests.stores import fresh_telemetry_url
from wattline.around import Around
from wattline.contracts.joulepoint import problem
from wattline.contracts.joulepoint.around import MANNERS
from wattline.contracts.joulepoint.slashes import strays
from wattline.model.clock import ManualClock
from wattline.model.errors import WattlineError
from wattline.model.principal import JOULEPOINT
from wattline.platform import Platform
from wattline.settings import Settings

BELOW = ("/api/energy", "/api/integrations", "/oauth")
MOST_BYTES = 64 * 1024
_numbers = itertools.count()


class Quiet(Platform):
    """A platform that does nothing by itself."""

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        """Start none."""


@asynccontextmanager
async def opened(data: Path, clock: ManualClock, **settings: Any) -> AsyncIterator[Platform]:
    """A platform with settings of one's own."""
    settings.setdefault("telemetry_url", fresh_telemetry_url())
    settings.setdefault("mqtt", False)
    lay_out(data)
    async with Quiet.open(Settings(data=data, **settings), clock) as platform:
        yield platform


def application(
    routers: Iterable[APIRouter],
    hot: Mapping[str, ASGIApp] | None = None,
    wrap: Callable[[ASGIApp], ASGIApp] | None = None,
) -> ASGIApp:
    """Routers as the contract mounts them: failures are problems, everything else below its prefixes is not found.

    `hot` answers exact paths before them; `wrap` stands around everything in place of the contract's `Around`.
    """
    app = FastAPI()
    every = [*routers]
    for router in (*every, strays(every, BELOW)):
        app.include_router(router)
    for kind in (WattlineError, RequestValidationError, Exception):
        app.add_exception_handler(kind, problem.failed)
    around = wrap(app) if wrap else Around(app, MANNERS, ("*",), MOST_BYTES)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        first = (hot or {}).get(scope["path"]) if scope["type"] == "http" else app
        await (first or around)(scope, receive, send)

    return front


@dataclass(eq=False)
class Depot:
    """A tenant of its own. `keys` has its API keys by name: `all` with every scope of the contract."""

    platform: Platform
    client: httpx.AsyncClient
    tenant: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> ManualClock:
        """The clock of the shared platform: it only goes forward."""
        assert isinstance(self.platform.clock, ManualClock)
        return self.platform.clock

    async def key(self, *scopes: str, sites: Iterable[str] | None = None) -> str:
        """The secret of a new key with these scopes alone."""
        _, secret = await self.platform.identity.create(self.tenant, "limited", scopes, None if sites is None else [*sites])
        return secret

    async def call(self, method: str, path: str, *, key: str | None = "all", **parts: Any) -> httpx.Response:
        """A request; `key` is a name of `keys`, or a secret itself, or None for a stranger."""
        headers: Mapping[str, str] = parts.pop("headers", {})
        held = {} if key is None else {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        return await self.client.request(method, path, headers={**held, **headers}, **parts)


async def move_in(platform: Platform, app: ASGIApp) -> Depot:
    """A new tenant with a key of every scope."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://depot")
    depot = Depot(platform, client, f"depot-{next(_numbers)}")
    depot.keys["all"] = await depot.key(*JOULEPOINT)
    return depot
