"""A running platform with a household on it: its tenant, keys, token and meter, and requests to its application."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from tests.migrated import lay_out
from tests.stores import fresh_telemetry_url
from wattline.app import create_app
from wattline.households.meters.model import Kind
from wattline.households.service import Households
from wattline.model.clock import ManualClock
from wattline.platform import Platform
from wattline.settings import Settings

MANAGEMENT = "/api/v1/household"
_numbers = itertools.count()


class Quiet(Platform):
    """A platform that does nothing by itself."""

    async def _start_jobs(self, stack: AsyncExitStack) -> None:
        """Start none."""


@asynccontextmanager
async def opened(data: Path, clock: ManualClock, **settings: Any) -> AsyncIterator[tuple[Platform, ASGIApp]]:
    """A platform and its application, with settings of one's own."""
    settings.setdefault("telemetry_url", fresh_telemetry_url())
    lay_out(data)
    async with Quiet.open(Settings(data=data, **settings), clock) as platform:
        yield platform, create_app(platform)


def new_mac() -> str:
    """An address that no other meter of this run has."""
    number = next(_numbers)
    return "AA:BB:" + ":".join(f"{byte:02X}" for byte in number.to_bytes(4))


@dataclass(eq=False)
class Home:
    """A tenant with one household and its digital meter. `keys` has those of an admin, the classifier and the timer by their
    scopes' last words, and the household's own as `own`."""

    platform: Platform
    client: httpx.AsyncClient
    tenant: str
    user: str
    mac: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def households(self) -> Households:
        """The domain behind the contract."""
        return self.platform.households

    async def call(
        self, method: str, path: str, *, key: str | None = "admin", managed: bool = True, **parts: Any
    ) -> httpx.Response:
        """A request below the management path, or with `managed` false anywhere; `key` is a name of `keys`, or None."""
        headers: Mapping[str, str] = parts.pop("headers", {})
        held = {} if key is None else {"Authorization": f"Bearer {self.keys[key]}"}
        return await self.client.request(method, f"{MANAGEMENT if managed else ''}{path}", headers={**held, **headers}, **parts)


async def move_in(platform: Platform, app: ASGIApp, tenant: str | None = None) -> Home:
    """A new household, in a tenant of its own or in this one."""
    number = next(_numbers)
    owner = tenant or f"town-{number}"
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://home")
    home = Home(platform, client, owner, f"home-{number}", new_mac())
    for scope in ("admin", "ml", "cron"):
        _, home.keys[scope] = await platform.identity.create(owner, scope, [f"household:{scope}"])
    households = platform.households
    await households.accounts.create_user(owner, {"id": home.user, "name": "Weber", "email": "weber@example.org"})
    home.keys["own"] = await households.accounts.issue_token(owner, home.user)
    await households.meters.add(owner, home.mac, Kind.DIGITAL_ELECTRICITY)
    await households.meters.assign(owner, home.mac, home.user)
    return home
